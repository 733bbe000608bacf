#!/bin/sh
# SPDX-License-Identifier: ISC
# The session: which verb is answered how in which state, and when replies go out.
# shellcheck disable=SC2119  # in_smtpd without arguments is meant so
# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"

# The lines of a dialogue that bring a new session into a state.
reach() {
	echo 'S: 220 *'
	[ "$1" != START ] || return 0
	printf 'C: HELO client.example\nS: 250 *\n'
	[ "$1" != READY ] || return 0
	printf 'C: MAIL FROM:<ann@client.example>\nS: 250 *\n'
	[ "$1" != MAIL ] || return 0
	printf 'C: RCPT TO:<joe@mail.example>\nS: 250 *\n'
	case $1 in BDAT) printf 'C- BDAT 1\\r\\nx\nS: 250 *\n' ;; esac
	case $1 in FAIL) printf 'C- BDAT 3\\r\\na\\nb\nS: 554 *\n' ;; esac
}

# DATA is answered differently in each state, so it shows which one this is.
show_state() {
	case $1 in
	START) printf 'C: DATA\nS: 503 5.5.1 Send HELO or EHLO first\n' ;;
	READY) printf 'C: DATA\nS: 503 5.5.1 Need MAIL first\n' ;;
	MAIL) printf 'C: DATA\nS: 503 5.5.1 Need RCPT first\n' ;;
	RCPT) printf 'C: DATA\nS: 354 *\nC: .\nS: 250 *\n' ;;
	BDAT) printf 'C: DATA\nS: 503 5.5.1 Mail data has begun*\n' ;;
	FAIL) printf 'C: DATA\nS: 503 5.5.1 A chunk was refused*\n' ;;
	END) printf 'END\n' ;;
	*) echo "$1 is no state" ;;
	esac
}

# play_cell VERB STATE NUMBER>STATE COMMAND [ARGUMENT...]
play_cell() {
	_verb=$1 _state=$2 _cell=$3 _command=$4 _number=${3%%>*}
	shift 4
	{
		reach "$_state"
		printf 'C: %s\n' "$_command"
		echo "S+ $_number?*"
		[ "$_number" != 354 ] || printf 'C: .\nS: 250 *\n'
		show_state "${_cell#*>}"
	} >"$SCRATCH/cell"
	play_once -a "$SCRATCH/cell" "$@" || fail "$_verb in state $_state should be $_cell"
}

# play_row VERB COMMAND CELL...: a cell for each of $states
play_row() {
	_verb=$1 _command=$2
	shift 2
	for _state in $states; do
		case ${1:-} in
		[1-9][0-9][0-9]\>*) play_cell "$_verb" "$_state" "$1" "$_command" ;;
		*) fail "$_verb has no cell for $_state"; continue ;;
		esac
		_cells=$((_cells + 1))
		shift
	done
}

test_every_verb_in_every_state_gets_what_the_matrix_says() {
	_cells=0 _rows=0
	states=$(sed -n 's/^# verb *\(.*[A-Z]\) *command$/\1/p' "$TESTS/matrix")
	# Those that the program has, less those in which no command can come.
	_there=$(sed -n '/ANY.*=/,/,/p' "$TESTS/../session.h" | tr -cd '|' | wc -c)
	assertEquals 'columns for states' $((_there + 1)) "$(echo "$states" | wc -w)"
	while read -r verb start ready mail rcpt bdat fail command; do
		case $verb in '' | '#'*) continue ;; esac
		play_row "$verb" "$command" "$start" "$ready" "$mail" "$rcpt" "$bdat" "$fail"
		_rows=$((_rows + 1))
	done <"$TESTS/matrix"
	assertTrue "only $_rows verbs" "[ $_rows -ge 18 ]"
	assertEquals 'cells' $((_rows * (_there + 1))) $_cells
	echo "coverage: $((_there + 1)) states x $_rows verbs, all cells played"
}

# Where they are spoken they begin a transaction as MAIL does, and the matrix has its row.
test_with_terminals_yes_send_soml_and_saml_get_what_mail_gets() {
	grep '^MAIL ' "$TESTS/matrix" >"$SCRATCH/row"
	read -r _ start ready mail rcpt bdat fail command <"$SCRATCH/row"
	for verb in SEND SOML SAML; do
		play_cell $verb START "$start" "$verb${command#MAIL}" -o terminals=yes
		play_cell $verb READY "$ready" "$verb${command#MAIL}" -o terminals=yes
		play_cell $verb MAIL "$mail" "$verb${command#MAIL}" -o terminals=yes
		play_cell $verb RCPT "$rcpt" "$verb${command#MAIL}" -o terminals=yes
		play_cell $verb BDAT "$bdat" "$verb${command#MAIL}" -o terminals=yes
		play_cell $verb FAIL "$fail" "$verb${command#MAIL}" -o terminals=yes
	done
}

# The verbs that HELP prints, one a line.
verbs_of_help() {
	printf 'HELP\r\nQUIT\r\n' | in_smtpd 2>"$LOG" | tr -d '\r' | sed -n 's/^214[- ]2\.0\.0//p' |
	    tr -cs '[:upper:]' '\n' | grep -x '....'
}

test_every_verb_that_help_lists_is_in_the_matrix() {
	_seen=0
	for verb in $(verbs_of_help); do
		_seen=$((_seen + 1))
		assertTrue "$verb has no row" "grep -q '^$verb ' '$TESTS/matrix'"
	done
	assertTrue "HELP lists only $_seen verbs" "[ $_seen -ge 10 ]"
}

test_help_lists_every_verb_that_can_be_used() {
	verbs_of_help >"$SCRATCH/verbs"
	while read -r verb _ _ _ rcpt _; do
		case $verb:$rcpt in : | '#'* | '*'* | *:502* | *:500*) continue ;; esac
		assertTrue "HELP does not list $verb" "grep -qx '$verb' '$SCRATCH/verbs'"
	done <"$TESTS/matrix"
}

test_replies_go_out_although_half_of_the_next_command_is_there() {
	talk <<-'EOF'
	S: 220 *
	C: NOOP
	C- NO
	S: 250 2.0.0 *
	SYNC
	C: OP
	C- QU
	S: 250 2.0.0 *
	SYNC
	C: IT
	S: 221 *
	END
	EOF
}

test_the_354_goes_out_although_half_a_line_of_text_is_there() {
	talk <<-'EOF'
	S: 220 *
	C: HELO client.example
	C: MAIL FROM:<ann@client.example>
	C: RCPT TO:<joe@mail.example>
	C: DATA
	C- Sub
	S: 250 *
	S: 250 *
	S: 250 *
	S: 354 *
	SYNC
	C: ject: halved
	C: .
	S: 250 *
	HEADER joe Subject: halved
	EOF
}

# RFC 2920 3.1: the client of a pipelined group sees all replies although it waits for none.
test_a_thousand_commands_in_one_write_get_a_thousand_replies() {
	_i=0
	{
		echo 'S: 220 *'
		while [ $_i -lt 1000 ]; do
			printf 'C: NOOP\nS: 250 2.0.0 Ok\n'
			_i=$((_i + 1))
		done
		printf 'C: QUIT\nS: 221 *\nEND\n'
	} | talk
}

# RFC 5321 4.1.1.5: nothing of a transaction that RSET ended is in the next one.
test_rset_forgets_the_sender_and_every_recipient() {
	talk <<-'EOF'
	S: 220 *
	C: HELO client.example
	S: 250 *
	C: MAIL FROM:<first@client.example>
	S: 250 *
	C: RCPT TO:<ann@mail.example>
	S: 250 *
	C: RSET
	S: 250 *
	C: MAIL FROM:<second@client.example>
	S: 250 *
	C: RCPT TO:<joe@mail.example>
	S: 250 *
	C: DATA
	S: 354 *
	C: Subject: anew
	C: .
	S: 250 *
	MBOX ann 0
	MBOX joe 1
	HEADER joe Return-Path: <second@client.example>
	HEADER joe Received: from client.example *
	EOF
}

# shellcheck disable=SC1091
. shunit2

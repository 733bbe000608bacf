#!/bin/sh
# SPDX-License-Identifier: ISC
# The session: which verb is answered how in which state, and when replies go out.
# shellcheck disable=SC2119  # in_smtpd without arguments is meant so
# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"

# The lines of a dialogue that bring a new session into a state.
reach() {
	echo 'S: 220 *'
	case $1 in READY | MAIL | RCPT) printf 'C: HELO client.example\nS: 250 *\n' ;; esac
	case $1 in MAIL | RCPT) printf 'C: MAIL FROM:<ann@client.example>\nS: 250 *\n' ;; esac
	case $1 in RCPT) printf 'C: RCPT TO:<joe@mail.example>\nS: 250 *\n' ;; esac
}

# DATA is answered differently in each state, so it shows which one this is.
show_state() {
	case $1 in
	START) printf 'C: DATA\nS: 503 5.5.1 Send HELO or EHLO first\n' ;;
	READY) printf 'C: DATA\nS: 503 5.5.1 Need MAIL first\n' ;;
	MAIL) printf 'C: DATA\nS: 503 5.5.1 Need RCPT first\n' ;;
	RCPT) printf 'C: DATA\nS: 354 *\nC: .\nS: 250 *\n' ;;
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
		echo "C: $_command"
		echo "S+ $_number?*"
		[ "$_number" != 354 ] || printf 'C: .\nS: 250 *\n'
		show_state "${_cell#*>}"
	} >"$SCRATCH/cell"
	play_once -a "$SCRATCH/cell" "$@" || fail "$_verb in state $_state should be $_cell"
}

test_every_verb_in_every_state_gets_what_the_matrix_says() {
	_cells=0
	while read -r verb start ready mail rcpt command; do
		case $verb in '' | '#'*) continue ;; esac
		play_cell "$verb" START "$start" "$command"
		play_cell "$verb" READY "$ready" "$command"
		play_cell "$verb" MAIL "$mail" "$command"
		play_cell "$verb" RCPT "$rcpt" "$command"
		_cells=$((_cells + 4))
	done <"$TESTS/matrix"
	assertTrue "only $_cells cells were played" "[ $_cells -ge 64 ]"
}

# Where they are spoken they begin a transaction as MAIL does, and the matrix has its row.
test_with_terminals_yes_send_soml_and_saml_get_what_mail_gets() {
	grep '^MAIL ' "$TESTS/matrix" >"$SCRATCH/row"
	read -r _ start ready mail rcpt command <"$SCRATCH/row"
	for verb in SEND SOML SAML; do
		play_cell $verb START "$start" "$verb${command#MAIL}" -o terminals=yes
		play_cell $verb READY "$ready" "$verb${command#MAIL}" -o terminals=yes
		play_cell $verb MAIL "$mail" "$verb${command#MAIL}" -o terminals=yes
		play_cell $verb RCPT "$rcpt" "$verb${command#MAIL}" -o terminals=yes
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
		case $verb:$rcpt in : | '#'* | '*'* | *:502*) continue ;; esac
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

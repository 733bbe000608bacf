#!/bin/sh
# SPDX-License-Identifier: ISC
# Hostile input: line ends that are none, floods, silence, drips, and ends at any octet.
# shellcheck disable=SC2119  # in_smtpd without arguments is meant so
# shellcheck source=tests/lib.sh
. "${TESTS:-${0%/*}/..}/lib.sh"

transaction='S: 220 *
C: HELO client.example
S: 250 *
C: MAIL FROM:<ann@client.example>
S: 250 *
C: RCPT TO:<joe@mail.example>
S: 250 *
C: DATA
S: 354 *'

# smuggle REPLY TAKEN FORM... [-- ARGUMENT...]: each FORM, which is no end of the data, stands in a
# message before what would be a second transaction.  There must be one REPLY for all of it, and
# the session stays in step.  TAKEN is `yes` where the message is taken, as one.
smuggle() {
	_reply=$1 _taken=$2 _count=0
	shift 2
	printf 'S: 220 *\nC: HELO client.example\nS: 250 *\n' >"$SCRATCH/smuggled"
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		for _before in 'Subject: outer\r\n\r\ntext' ''; do
			cat <<-EOF
			C: MAIL FROM:<ann@client.example>
			S: 250 *
			C: RCPT TO:<joe@mail.example>
			S: 250 *
			C: DATA
			S: 354 *
			C- $_before$1
			C: MAIL FROM:<evil@client.example>
			C: RCPT TO:<jane@mail.example>
			C: DATA
			C: Subject: smuggled
			C:
			C: text
			C: .
			S: $_reply
			C: NOOP
			S: 250 2.0.0 *
			EOF
			[ -z "$_taken" ] || _count=$((_count + 1))
		done >>"$SCRATCH/smuggled"
		shift
	done
	[ $# -eq 0 ] || shift
	cat >>"$SCRATCH/smuggled" <<-EOF
	C: QUIT
	S: 221 *
	END
	MBOX joe $_count
	MBOX jane 0
	EOF
	play "$SCRATCH/smuggled" -o error-delay=0 "$@"
}

# RFC 5321 4.1.1.4: only CR LF . CR LF ends the data.
test_no_other_end_of_data_ends_the_data() {
	smuggle '554 5.6.0 *' '' '\n.\n' '\n.\r\n' '\r\n.\n' '\r.\r' '\r\n.\r' '\r.\r\n' \
	    '\r\r\n.\r\r\n' '\n\r.\n\r' '\r\n.\r\r\n' '\n\n.\n\n' '\r\0\n.\r\0\n' '\n.\0\n' \
	    '\n\0.\n' '\r\n.\0\n' '\r\n.\r\0\n'
}

# A NUL is an octet of text like others.
test_a_nul_beside_the_dot_makes_it_text() {
	smuggle '250 2.6.0 *' yes '\r\n.\0\r\n' '\r\n\0.\r\n' '\0\r\n\0.\0\r\n' '\r\n. \r\n' \
	    '\r\n .\r\n'
}

test_accepted_bare_newlines_end_no_data_either() {
	smuggle '250 2.6.0 *' yes '\n.\n' '\n.\r\n' '\r\n.\n' '\n\n.\n\n' '\n.\0\n' -- \
	    -o bare-newline=accept
	smuggle '554 5.6.0 *' '' '\r.\r' '\r\n.\r' '\r.\r\n' '\r\r\n.\r\r\n' '\r\n.\r\r\n' -- \
	    -o bare-newline=accept
}

# What was a bare newline on the way is a line end in the mailbox.
test_accepted_bare_newlines_cannot_begin_a_message() {
	talk -o bare-newline=accept <<-EOF
	$transaction
	C- Subject: x\n\nFrom evil@client.example Sun Jan  1 00:00:00 2023\nSubject: forged\n\n
	C- \nFrom b\r\n.From c\n..\n.\r\n
	C: .
	S: 250 2.6.0 *
	MBOX joe 1
	BODY joe >From evil@client.example *
	BODY joe >From b
	EOF
}

test_an_end_of_data_cut_anywhere_is_seen() {
	talk <<-EOF
	$transaction
	C: text
	C- .
	WAIT 0.1
	C- \r
	WAIT 0.1
	C- \n
	S: 250 2.6.0 *
	SYNC
	C: QUIT
	S: 221 *
	END
	MBOX joe 1
	EOF
}

# flood COUNT LINE REPLY: COUNT dialogue lines and their replies.
flood() {
	_i=0
	while [ $_i -lt "$1" ]; do
		printf 'C: %s\nS: %s\n' "$2" "$3"
		_i=$((_i + 1))
	done
}

test_too_many_unknown_verbs_end_the_session() {
	{
		echo 'S: 220 *'
		flood 5 BOGUS '500 5.5.1 *'
		printf 'S: 421 4.7.0 *\nEND\n'
	} >"$SCRATCH/flood"
	play "$SCRATCH/flood" -o error-limit=5 -o error-delay=0
}

test_too_many_unknown_recipients_end_the_session() {
	{
		echo 'S: 220 *'
		printf 'C: HELO client.example\nS: 250 *\nC: MAIL FROM:<>\nS: 250 *\n'
		flood 5 'RCPT TO:<guess@mail.example>' '550 5.1.1 *'
		printf 'S: 421 4.7.0 *\nEND\n'
	} >"$SCRATCH/flood"
	play "$SCRATCH/flood" -o error-limit=5 -o error-delay=0
}

test_good_commands_are_no_errors() {
	{
		echo 'S: 220 *'
		flood 20 NOOP '250 *'
		printf 'C: QUIT\nS: 221 *\nEND\n'
	} >"$SCRATCH/flood"
	play "$SCRATCH/flood" -o error-limit=5 -o error-delay=0
}

test_every_error_past_the_tenth_costs_a_pause() {
	{
		echo 'S: 220 *'
		flood 12 BOGUS '500 *'
		printf 'C: QUIT\nS: 221 *\nEND\n'
	} >"$SCRATCH/flood"
	_before=$(date +%s%N)
	play_once '' "$SCRATCH/flood" -o error-delay=1s || fail 'the flood went otherwise'
	_ms=$((($(date +%s%N) - _before) / 1000000))
	assertTrue "$_ms ms for two pauses" "[ $_ms -ge 2000 ] && [ $_ms -lt 5000 ]"
	_before=$(date +%s%N)
	play_once '' "$SCRATCH/flood" -o error-delay=0 || fail 'the flood went otherwise'
	_ms=$((($(date +%s%N) - _before) / 1000000))
	assertTrue "$_ms ms for none" "[ $_ms -lt 1000 ]"
}

test_silence_is_answered_421_and_closed() {
	talk -o command-timeout=1s <<-'EOF'
	# timeout: 5
	S: 220 *
	S: 421 4.4.2 *
	END
	EOF
	talk -o command-timeout=1s <<-'EOF'
	# timeout: 5
	S: 220 *
	C: HELO client.example
	S: 250 *
	WAIT 0.3
	S: 421 4.4.2 *
	END
	EOF
}

# The deadline is a command's, not a read's (RFC 5321 4.5.3.2).
test_a_drip_of_octets_does_not_extend_the_command_deadline() {
	talk -o command-timeout=1s <<-'EOF'
	# timeout: 10
	# ways: one-write
	S: 220 *
	C- N
	WAIT 0.5
	C- O
	WAIT 0.5
	C- O
	WAIT 0.5
	C- P
	WAIT 0.5
	C- x
	WAIT 0.5
	C- x
	WAIT 0.5
	RUN grep -q '^State:.Z' "/proc/$SERVER/status"
	S: 421 4.4.2 *
	END
	EOF
}

test_each_command_has_a_deadline_of_its_own() {
	talk -o command-timeout=1s <<-'EOF'
	S: 220 *
	C: NOOP
	S: 250 *
	WAIT 0.6
	C: NOOP
	S: 250 *
	WAIT 0.6
	C: NOOP
	S: 250 *
	C: QUIT
	S: 221 *
	END
	EOF
}

test_a_drip_of_text_does_not_extend_the_data_deadline() {
	talk -o data-timeout=1s <<-EOF
	# timeout: 10
	# ways: one-write
	$transaction
	C: one
	WAIT 0.5
	C: two
	WAIT 0.5
	C: three
	WAIT 0.5
	C: four
	WAIT 0.5
	C: five
	WAIT 0.5
	C: six
	WAIT 0.5
	RUN grep -q '^State:.Z' "/proc/\$SERVER/status"
	S: 421 4.4.2 *
	END
	MBOX joe 0
	EOF
}

test_the_session_has_a_deadline_as_a_whole() {
	talk -o session-timeout=1s <<-'EOF'
	# timeout: 5
	S: 220 *
	C: NOOP
	S: 250 *
	WAIT 0.4
	C: NOOP
	S: 250 *
	WAIT 0.4
	C: NOOP
	S: 250 *
	WAIT 0.4
	S: 421 4.4.2 *
	END
	EOF
}

# A client that takes no replies is not waited for longer than one that sends nothing.
test_a_client_that_never_reads_is_left() {
	_before=$(date +%s)
	# shellcheck disable=SC2086
	timeout 20 python3 -c 'import socket, subprocess, sys
ours, theirs = socket.socketpair()
server = subprocess.Popen(sys.argv[1:], stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL)
theirs.close()
ours.settimeout(10)
try:
    while True:
        ours.sendall(b"HELP\r\n" * 1000)
except OSError:
    pass
server.wait(10)' "$BIN" $USUAL -o command-timeout=1s -o session-timeout=3s
	assertEquals 'it ended' 0 $?
	assertTrue 'in time' "[ $(($(date +%s) - _before)) -le 8 ]"
}

# Every proper beginning of a session, and then the end of file.
test_an_eof_behind_any_octet_before_the_last_delivers_nothing() {
	printf '%s\r\n' 'HELO c' 'MAIL FROM:<a@c.example>' 'RCPT TO:<joe@mail.example>' DATA \
	    'Subject: x' '' text . >"$SCRATCH/whole"
	_length=$(wc -c <"$SCRATCH/whole")
	_i=0
	while [ "$_i" -lt "$_length" ]; do
		head -c "$_i" "$SCRATCH/whole" | in_smtpd >/dev/null 2>"$LOG"
		assertFalse "after $_i octets" "[ -e '$MAIL/joe' ]" || return
		_i=$((_i + 1))
	done
	in_smtpd <"$SCRATCH/whole" >/dev/null 2>"$LOG"
	assertEquals 'after all' 1 "$(mailbox_messages joe)"
}

test_a_reset_in_the_text_delivers_nothing() {
	talk <<-EOF
	$transaction
	C: Subject: gone
	C:
	C: text
	RESET
	MBOX joe 0
	EOF
}

# make_mailbox USER: with a message of long ago
make_mailbox() {
	printf 'From old@client.example Sun Jan  1 00:00:00 2023\nSubject: old\n\nold text\n\n' \
	    >"$MAIL/$1"
	touch -d '1 hour ago' "$MAIL/$1"
	[ -z "$ROOT" ] || chown 20001:8 "$MAIL/$1"
}

# assert_joe_unchanged WHAT: also when he was last written to; a reader must not think of new mail
assert_joe_unchanged() {
	assert_mailbox_unchanged joe || echo "after $1"
	assertEquals "dates after $1" "$_dates" "$(stat -c '%y' "$MAIL/joe")"
	assertEquals "files after $1" joe "$(ls -A "$MAIL")"
}

test_no_refused_message_changes_a_mailbox_that_is_there() {
	make_mailbox joe
	remember_mailbox joe
	_dates=$(stat -c '%y' "$MAIL/joe")
	# All of these go on with the session.
	while read -r _reply _text; do
		talk -o message-size-limit=3000 <<-EOF || fail "with $_text"
		$transaction
		C- Subject: x\r\n\r\n$_text\r\n.\r\n
		S: $_reply *
		C: NOOP
		S: 250 *
		EOF
		assert_joe_unchanged "$_text"
	done <<-'EOF'
	554 a\rb
	554 a\nb
	554 a\r\r
	552 \{4000:long}
	552 \{3000:lines\r\n}
	554 \{3000:a\r\n}\n
	EOF
	# And these end it.
	for _text in '' 'C- text' 'C- text\r\n' 'C- text\r\n.' 'C- text\r\n.\r'; do
		for _end in CLOSE RESET "RUN kill -TERM \$SERVER" ''; do
			case $_end in
			RUN*) _last='S: 421 4.3.2 *' ;;
			'') _last='S: 421 4.4.2 *' ;;
			*) _last= ;;
			esac
			# Silence lasts long, so it is tried once.
			[ -n "$_end" ] || [ "$_text" = 'C- text\r\n.\r' ] || continue
			talk -o data-timeout=1s <<-EOF || fail "with $_end behind $_text"
			$transaction
			$_text
			$_end
			$_last
			EOF
			assert_joe_unchanged "$_end behind $_text"
		done
	done
	# It can be changed at all.
	deliver_one joe
	assertEquals 'messages' 2 "$(mailbox_messages joe)"
}

test_sigterm_is_answered_421() {
	talk <<-'EOF'
	S: 220 *
	C: HELO client.example
	S: 250 *
	RUN kill -TERM "$SERVER"
	S: 421 4.3.2 *
	END
	EOF
}

test_sigterm_in_the_text_is_answered_421_and_delivers_nothing() {
	talk <<-EOF
	$transaction
	C: Subject: stopped
	C:
	C- half a li
	RUN kill -TERM "\$SERVER"
	S: 421 4.3.2 *
	END
	MBOX joe 0
	EOF
}

# shellcheck disable=SC1091
. shunit2

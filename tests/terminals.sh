#!/bin/sh
# SPDX-License-Identifier: ISC
# Terminals: SEND, SOML and SAML reach the screens of users who are logged in, and only theirs, and
# nothing that is sent can do more there than be read.
# shellcheck disable=SC2016  # what stands in RUN lines is for another shell
# shellcheck disable=SC2119  # in_smtpd without arguments is meant so
# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"

ON="-o terminals=yes -o utmp=$UTMP -o error-delay=0"

# shellcheck disable=SC2317  # shunit2 calls it
setUp() {
	fresh_mail
	: >"$UTMP"
}

tearDown() {
	close_terminals
}

# send VERB REPLY USER...: one message for them, all taken at RCPT; REPLY is the last one.  Its text
# is $text, lines of a dialogue.
text='C: Subject: hello
C:
C: Lunch?'
send() {
	_verb=$1 _reply=$2
	shift 2
	{
		printf 'S: 220 *\nC: EHLO client.example\nS+ 250?*\n'
		printf 'C: %s FROM:<sender@client.example>\nS: 250 2.1.0 *\n' "$_verb"
		printf 'C: RCPT TO:<%s@mail.example>\nS: 250 2.1.5 *\n' "$@"
		printf 'C: DATA\nS: 354 *\n%s\nC: .\n' "$text"
		printf 'S: %s\nC: QUIT\nS: 221 *\nEND\n' "$_reply"
	} >"$SCRATCH/send"
	# shellcheck disable=SC2086  # many words
	talk $ON $more <"$SCRATCH/send"
}
more=''

# refuse VERB REPLY USER: at RCPT.
refuse() {
	# shellcheck disable=SC2086  # many words
	talk $ON $more <<-EOF
	S: 220 *
	C: HELO client.example
	S: 250 *
	C: $1 FROM:<sender@client.example>
	S: 250 *
	C: RCPT TO:<$3@mail.example>
	S: $2
	C: QUIT
	S: 221 *
	END
	EOF
}

# shows NAME PATTERN: a line of the screen matches the extended regular expression.
shows() {
	within 3 grep -aEq "$2" "$SCRATCH/$1.seen" ||
		{ cat -v "$SCRATCH/$1.seen"; fail "the screen $1 has no line $2"; }
}

shows_nothing() {
	assertEquals "the screen $1" '' "$(cat -v "$SCRATCH/$1.seen")"
}

# --- what is sent is seen

test_send_reaches_the_terminal_and_no_mailbox() {
	at_terminal joe
	send SEND '250 2.6.0 *' joe
	shows joe '^Message from <sender@client\.example> for joe at [0-2][0-9]:[0-5][0-9] \.\.\..$'
	shows joe '^Subject: hello.$'
	shows joe '^Lunch\?.$'
	shows joe '^End of message.$'
	assertEquals 'messages' 0 "$(mailbox_messages joe)"
	assert_log 'delivered message=[^ ]+ to=<joe> terminal=pts/[0-9]+$'
	assert_log 'accepted message='
}

# A line is what was sent: no quotes of the mailbox, no line that was added here.
test_the_screen_shows_the_text_as_it_was_sent() {
	at_terminal joe
	text='C: Received: from elsewhere
C: Subject: quotes
C:
C: From here
C: >From there
C: > From quoted
C: ..dot
C: \ttab'
	send SEND '250 *' joe
	shows joe 'End of message'
	printf '%s\r\n' 'Received: from elsewhere' 'Subject: quotes' '' 'From here' '>From there' \
	    '> From quoted' '.dot' "$(printf '\ttab')" 'End of message' >"$SCRATCH/wanted"
	sed '1,2d' "$SCRATCH/joe.seen" | cmp - "$SCRATCH/wanted" || cat -v "$SCRATCH/joe.seen"
	assertTrue 'it is just that' "sed '1,2d' $SCRATCH/joe.seen | cmp -s - $SCRATCH/wanted"
}

test_no_control_character_reaches_a_terminal() {
	at_terminal joe
	text='C: Subject: \x1b[2J
C:
C: esc \x1b]0;x\x07 nul \0 bs \x08 del \x7f so \x0e
C: csi \x9b31m ht \x89 nel \x85 utf-8 \xc3\xbc \xc2\x9b31m all \xff
C- cr \x0c\x0b\r\n'
	send SEND '250 *' joe
	shows joe 'End of message'
	shows joe '^Subject: \^\[\[2J.$'
	shows joe '^esc \^\[]0;x\^G nul \^@ bs \^H del \^\? so \^N.$'
	shows joe '^csi M-\^\[31m ht M-\^I nel M-\^E utf-8 M-CM-< M-BM-\^\[31m all M-\^\?.$'
	assertEquals 'octets that are not printable' 0 \
	    "$(tr -d '\r\n\t\040-\176' <"$SCRATCH/joe.seen" | wc -c)"
}

# Whatever becomes of the command: it is not written as it came.
test_no_control_character_in_an_address_reaches_a_terminal() {
	at_terminal joe
	for sender in 'a\x1b[2Jb@client.example' '"a\x1b[2Jb"@client.example' 'a\x9b2Jb@client.example' \
	    '"\x9b2J"@client.example' 'J\xc3\xbc@client.example' '\xc2\x9b@client.example'; do
		printf 'S: 220 *\nC: EHLO x\nS+ 250?*\nC: SEND FROM:<%s>\nS: ???*\n' "$sender"
		printf 'C: RCPT TO:<joe@mail.example>\nS: ???*\nC: QUIT\nS: 221 *\nEND\n'
	done >"$SCRATCH/senders"
	csplit -s -z -f "$SCRATCH/sender." "$SCRATCH/senders" '/^S: 220/' '{*}'
	for one in "$SCRATCH"/sender.*; do
		# shellcheck disable=SC2086
		talk $ON <"$one"
	done
	assertEquals 'octets that are not printable' 0 \
	    "$(tr -d '\r\n\t\040-\176' <"$SCRATCH/joe.seen" | wc -c)"
}

# A session that is taken over can send any sender: here its memory is changed behind its back.
test_no_control_character_of_a_forged_sender_reaches_a_terminal() {
	need_root || return 0
	at_terminal joe
	cat >"$SCRATCH/change" <<-'EOF2'
	import os, re
	session = os.environ['SERVER']
	changed = 0
	with open(f'/proc/{session}/mem', 'r+b', 0) as memory:
	    for line in open(f'/proc/{session}/maps'):
	        first, last, modes = re.match('([0-9a-f]+)-([0-9a-f]+) (....)', line).groups()
	        # What a sanitizer keeps is too much to be read.
	        length = int(last, 16) - int(first, 16)
	        if modes[:2] != 'rw' or modes[3] != 'p' or length > 1 << 28:
	            continue
	        memory.seek(int(first, 16))
	        try:
	            text = memory.read(length)
	        except OSError:
	            continue
	        for found in re.finditer(b'abcdefgh@client.example', text):
	            memory.seek(int(first, 16) + found.start())
	            memory.write(b'\x1b[2J\x9b\x07\r\n')
	            changed += 1
	raise SystemExit(changed == 0)
	EOF2
	# shellcheck disable=SC2086
	talk $ON <<-'EOF2'
	S: 220 *
	C: HELO client.example
	S: 250 *
	C: SEND FROM:<abcdefgh@client.example>
	S: 250 *
	C: RCPT TO:<joe@mail.example>
	S: 250 *
	RUN python3 -S "$SCRATCH/change"
	C: DATA
	S: 354 *
	C: .
	S: 250 *
	EOF2
	shows joe '^Message from <\^\[\[2JM-\^\[\^G\^M\^J@client\.example> for joe at .*$'
	assertEquals 'octets that are not printable' 0 \
	    "$(tr -d '\r\n\t\040-\176' <"$SCRATCH/joe.seen" | wc -c)"
}

test_a_long_message_is_shown_in_part_and_says_so() {
	at_terminal joe
	text=$(printf 'C: Subject: long\nC:\n'; seq 200 | sed 's/^/C: line /')
	send SEND '250 *' joe
	shows joe '^End of what is shown; there is more.$'
	shows joe '^line 98.$'
	assertFalse 'line 99' "grep -q 'line 99' $SCRATCH/joe.seen"
	close_terminals
	at_terminal joe
	text='C: Subject: long
C:
C: begin\{300000:\xff}'
	send SEND '250 *' joe
	shows joe '^End of what is shown; there is more.$'
	shows joe '^beginM-'
	assertTrue 'octets' "[ $(wc -c <"$SCRATCH/joe.seen") -lt 33000 ]"
	text='C: Subject: hello
C:
C: Lunch?'
}

test_an_empty_message_is_sent_as_well() {
	at_terminal joe
	text='C:'
	send SEND '250 *' joe
	shows joe '^End of message.$'
	text='C: Subject: hello
C:
C: Lunch?'
}

test_every_terminal_of_a_user_shows_it() {
	at_terminal joe first
	at_terminal joe second
	at_terminal joe deaf 600
	send SEND '250 *' joe
	shows first 'Lunch'
	shows second 'Lunch'
	shows_nothing deaf
	assert_log 'skipped to=<joe> terminal=pts/[0-9]+ reason="it takes no messages"'
}

test_a_terminal_that_has_two_records_shows_it_once() {
	at_terminal joe
	cat "$UTMP" "$UTMP" >"$SCRATCH/twice"
	cp "$SCRATCH/twice" "$UTMP"
	send SEND '250 *' joe
	shows joe 'End of message'
	assertEquals 'messages' 1 "$(grep -c '^Message from' "$SCRATCH/joe.seen")"
}

test_a_user_with_a_hundred_records_is_looked_for_in_eight_of_them() {
	for number in $(seq 100); do log_in joe "pts/99$number"; done
	at_terminal joe
	refuse SEND '450 4.2.1 *' joe
	assertEquals 'lines' 8 "$(grep -c 'skipped to=<joe>' "$LOG")"
	at_terminal ann
	send SEND '250 *' ann
}

test_several_recipients_each_see_it() {
	at_terminal joe
	at_terminal ann
	send SEND '250 *' joe ann
	shows joe '^Message from .* for joe at'
	shows ann '^Message from .* for ann at'
	assertFalse 'one each' "grep -q 'for ann' $SCRATCH/joe.seen"
}

# --- SEND: a terminal or nothing

test_send_to_a_user_who_is_not_logged_in_is_450_at_rcpt() {
	at_terminal ann
	refuse SEND '450 4.2.1 Not at a terminal that takes messages now' joe
	assert_log 'refused .*reply="450 4\.2\.1'
	shows_nothing ann
}

test_send_to_a_user_with_mesg_n_is_450_at_rcpt() {
	at_terminal joe joe 600
	refuse SEND '450 4.2.1 *' joe
	assert_log 'skipped to=<joe> terminal=pts/[0-9]+ reason="it takes no messages"'
	shows_nothing joe
}

test_a_terminal_of_somebody_else_is_not_written_to() {
	need_root || return 0
	# So open that nothing but its owner keeps it from them.
	at_terminal ann ann 622
	log_in joe "$(cat "$SCRATCH/ann.line")"
	refuse SEND '450 4.2.1 *' joe
	at_terminal root root 622
	log_in joe "$(cat "$SCRATCH/root.line")"
	refuse SEND '450 4.2.1 *' joe
	log_in root "$(cat "$SCRATCH/ann.line")"
	send SOML '250 *' root
	assert_log 'skipped to=<root> terminal=pts/[0-9]+ reason="it belongs to somebody else"'
	shows_nothing ann
	assertEquals 'log lines' '' "$(grep 'delivered.*terminal=.*to=<joe>' "$LOG")"
}

# Root could open it for anybody; what counts is what the user himself could do.
test_a_terminal_is_opened_with_the_ids_of_its_user() {
	need_root && need strace || return 0
	at_terminal joe
	WRAP="strace -f -qq -e trace=open,openat,setresuid -o $SCRATCH/trace"
	send SEND '250 *' joe
	WRAP=
	assertEquals 'what stands before each open' 'setresuid(-1, 20001, -1) setresuid(-1, 20001, -1)' \
	    "$(grep -B1 '"/dev/pts' "$SCRATCH/trace" | grep -o 'setresuid([^)]*)' | xargs echo)"
}

test_when_one_of_several_leaves_nobody_sees_anything() {
	at_terminal joe
	at_terminal ann
	LEAVES=/dev/$(cat "$SCRATCH/ann.line")
	export LEAVES
	# shellcheck disable=SC2086
	talk $ON <<-EOF
	S: 220 *
	C: HELO client.example
	S: 250 *
	C: SEND FROM:<sender@client.example>
	S: 250 *
	C: RCPT TO:<joe@mail.example>
	S: 250 *
	C: RCPT TO:<ann@mail.example>
	S: 250 *
	RUN chmod 600 \$LEAVES
	C: DATA
	S: 354 *
	C: text
	C: .
	S: 450 4.2.1 *
	C: QUIT
	S: 221 *
	END
	MBOX joe 0
	MBOX ann 0
	EOF
	shows_nothing joe
	shows_nothing ann
}

# --- SOML: a terminal or else the mailbox

test_soml_goes_to_the_mailbox_only_where_there_is_no_terminal() {
	at_terminal joe
	send SOML '250 2.6.0 *' joe ann
	shows joe 'Lunch'
	assertEquals 'joe' 0 "$(mailbox_messages joe)"
	assertEquals 'ann' 1 "$(mailbox_messages ann)"
	assert_log 'delivered message=[^ ]+ to=<ann> mailbox='
	assertFalse 'joe got none' "grep -q 'to=<joe> mailbox' $LOG"
}

test_soml_without_any_terminal_is_mail() {
	rm "$UTMP"
	send SOML '250 2.6.0 *' joe ann
	assertEquals 'joe' 1 "$(mailbox_messages joe)"
	assertEquals 'ann' 1 "$(mailbox_messages ann)"
}

test_the_mailboxes_that_soml_needs_are_all_or_nothing() {
	at_terminal joe
	: >"$MAIL/max.lock"
	more='-o lock-timeout=0'
	send SOML '450 4.2.0 *' joe ann max
	more=''
	assertEquals 'ann' 0 "$(mailbox_messages ann)"
	assertEquals 'joe' 0 "$(mailbox_messages joe)"
}

test_soml_to_a_user_without_terminal_and_mailbox_is_refused_at_rcpt() {
	mkdir "$MAIL/joe"
	refuse SOML '451 4.2.0 *' joe
	at_terminal joe
	send SOML '250 *' joe
}

# --- SAML: the mailbox, and a terminal where there is one

test_saml_goes_to_the_mailbox_and_to_the_terminal() {
	at_terminal joe
	send SAML '250 2.6.0 *' joe ann
	shows joe 'Lunch'
	assertEquals 'joe' 1 "$(mailbox_messages joe)"
	assertEquals 'ann' 1 "$(mailbox_messages ann)"
}

test_saml_shows_nothing_that_is_in_no_mailbox() {
	at_terminal joe
	: >"$MAIL/ann.lock"
	more='-o lock-timeout=0'
	send SAML '450 4.2.0 *' joe ann
	more=''
	shows_nothing joe
	assertEquals 'joe' 0 "$(mailbox_messages joe)"
}

# --- a terminal that hangs

# in_time COMMAND...: it is done in less than eight seconds.
in_time() {
	_begun=$(date +%s)
	"$@"
	assertTrue 'it took too long' "[ $(($(date +%s) - _begun)) -lt 8 ]"
}

test_a_terminal_that_hangs_holds_nobody_up() {
	for state in full stopped; do
		at_terminal joe $state 620 $state
		in_time send SEND '450 4.2.1 *' joe
		assert_log 'skipped to=<joe> terminal=pts/[0-9]+ reason="(Connection|Operation) timed out"'
		in_time send SOML '250 *' joe
		in_time send SAML '250 *' joe
		assertEquals 'messages' 2 "$(mailbox_messages joe)"
		fresh_mail
		: >"$UTMP"
	done
}

# Time is counted for all together, and who comes behind is tried all the same.
test_many_that_hang_hang_no_longer_than_one() {
	at_terminal joe
	for number in 1 2 3; do
		at_terminal ann full$number 620 full
		at_terminal max stopped$number 620 stopped
	done
	in_time send SOML '250 *' ann max joe
	shows joe 'Lunch'
	assertEquals 'ann' 1 "$(mailbox_messages ann)"
	assertEquals 'max' 1 "$(mailbox_messages max)"
	assertEquals 'joe' 0 "$(mailbox_messages joe)"
}

# --- records that lie

test_a_line_that_is_no_terminals_name_is_not_opened() {
	at_terminal joe
	real=$(cat "$SCRATCH/joe.line")
	# As many in a session as are looked at.
	set -- ../../etc/passwd /etc/shadow "/$real" "../dev/$real" "pts/../$real" "./$real" \
	    "pts//${real#*/}" "$real/" '' pts pts/ pts/ptmx pts/x tty null "tty/../$real" :0 \
	    "$real x" "$real.." pts/-1 hvc ptmx "$real"0123456789012345678901234567 hvc../tty
	while [ $# -gt 0 ]; do
		: >"$UTMP"
		for _ in 1 2 3 4 5 6 7 8; do
			log_in joe "$1"
			shift
		done
		refuse SEND '450 4.2.1 *' joe
		assertEquals "before $*" 8 "$(grep -c 'reason="its name is none of a terminal"' "$LOG")"
	done
	shows_nothing joe
}

test_a_line_cannot_put_anything_into_the_log() {
	log_in joe "$(printf 'x" \nto=<root> \033[1m')"
	refuse SEND '450 4.2.1 *' joe
	assert_log 'skipped to=<joe> terminal=x\? \?to=<root> \?\[1m reason='
}

# In a root directory of its own, so that /dev can hold what it should not.
test_what_is_no_terminal_is_not_written_to() {
	need_root || return 0
	_root=$SCRATCH/root
	mkdir "$_root" "$_root/mail" "$_root/spool" "$_root/dev"
	chown 0:8 "$_root/mail"
	chmod 2775 "$_root/mail"
	cp "$PASSWD" "$_root/passwd"
	: >"$_root/dev/ttyfile"
	ln -s ttyfile "$_root/dev/ttylink"
	mknod "$_root/dev/ttynull" c 1 3 || { skip 'no devices here' && return; }
	mknod "$_root/dev/ttyone" c 1 3
	ln "$_root/dev/ttyone" "$_root/dev/ttytwo"
	chown -h 20001 "$_root"/dev/*
	chmod 620 "$_root/dev/ttyfile" "$_root/dev/ttynull" "$_root/dev/ttyone"
	for line in ttyfile ttylink ttynull ttytwo tty9; do log_in joe $line; done
	cp "$UTMP" "$_root/utmp"
	more="-o chroot=$_root -o passwd=/passwd -o mailbox=/mail/%u -o spool=/spool -o utmp=/utmp"
	refuse SEND '450 4.2.1 *' joe
	more=''
	assert_log 'terminal=ttyfile reason="it is no terminal"'
	assert_log 'terminal=ttylink reason="(Too many levels of symbolic links|Symbolic link loop)"'
	assert_log 'terminal=ttynull reason="it is no terminal"'
	assert_log 'terminal=ttytwo reason="it has more than one link"'
	assert_log 'terminal=tty9 reason="No such file or directory"'
	assertEquals 'octets' 0 "$(wc -c <"$_root/dev/ttyfile")"
	rm -rf "$_root"
}

test_only_records_of_user_processes_count() {
	at_terminal joe
	: >"$UTMP"
	for type in 0 1 5 6 8 9 -7 263; do
		log_in joe "$(cat "$SCRATCH/joe.line")" $type
	done
	refuse SEND '450 4.2.1 *' joe
	shows_nothing joe
}

test_the_name_in_a_record_is_the_whole_name() {
	at_terminal joe
	: >"$UTMP"
	for name in jo joe-list joex Joe root; do log_in $name "$(cat "$SCRATCH/joe.line")"; done
	refuse SEND '450 4.2.1 *' joe
	shows_nothing joe
}

test_a_utmp_that_is_absent_cut_short_or_endless_has_nobody() {
	at_terminal joe
	mv "$UTMP" "$SCRATCH/whole"
	refuse SEND '450 4.2.1 *' joe
	assert_log 'cannot read .*utmp'
	: >"$UTMP"
	refuse SEND '450 4.2.1 *' joe
	head -c 383 "$SCRATCH/whole" >"$UTMP"
	refuse SEND '450 4.2.1 *' joe
	more='-o utmp=/dev/zero'
	in_time refuse SEND '450 4.2.1 *' joe
	mkfifo "$SCRATCH/fifo"
	more="-o utmp=$SCRATCH/fifo"
	in_time refuse SEND '450 4.2.1 *' joe
	more="-o utmp=$SCRATCH"
	refuse SEND '450 4.2.1 *' joe
	more=''
	rm "$SCRATCH/fifo"
	: >"$UTMP"
	# Behind more than a megabyte it is not looked for, and before that it is found.
	truncate -s 1152000 "$UTMP"
	cat "$SCRATCH/whole" >>"$UTMP"
	refuse SEND '450 4.2.1 *' joe
	truncate -s 960000 "$UTMP"
	cat "$SCRATCH/whole" "$SCRATCH/whole" >>"$UTMP"
	truncate -s -1 "$UTMP"
	send SEND '250 *' joe
}

# --- who may

test_terminals_no_is_502_and_offers_nothing() {
	at_terminal joe
	talk -o utmp="$UTMP" <<-'EOF'
	S: 220 *
	C: EHLO client.example
	S+ 250?HELP
	C: SEND FROM:<sender@client.example>
	S: 502 5.5.1 *
	C: SOML FROM:<sender@client.example>
	S: 502 5.5.1 *
	C: SAML FROM:<sender@client.example>
	S: 502 5.5.1 *
	C: HELP SOML
	S: 504 5.5.4 *
	C: QUIT
	S: 221 *
	END
	EOF
	printf 'EHLO x\r\nHELP\r\nQUIT\r\n' | in_smtpd >"$SCRATCH/said" 2>/dev/null
	assertEquals 'nothing of it' '' "$(grep -E 'SEND|SOML|SAML' "$SCRATCH/said")"
	assertTrue 'it said something' "grep -q 'Commands: HELO' $SCRATCH/said"
	shows_nothing joe
}

test_terminals_yes_offers_all_three() {
	# shellcheck disable=SC2086
	printf 'EHLO x\r\nHELP\r\nQUIT\r\n' | in_smtpd $ON 2>/dev/null | tr -d '\r' >"$SCRATCH/said"
	assertEquals 'the end of the list' '250-SEND 250-SOML 250-SAML 250-EXPN 250-VRFY 250 HELP' \
	    "$(grep '^250' "$SCRATCH/said" | tail -n 6 | xargs echo)"
	assertTrue 'HELP' "grep -q 'Commands: .* SEND SOML SAML' $SCRATCH/said"
}

test_mail_behind_send_goes_to_the_mailbox_again() {
	at_terminal joe
	# shellcheck disable=SC2086
	talk $ON <<-'EOF'
	S: 220 *
	C: EHLO client.example
	S+ 250?HELP
	C: SEND FROM:<sender@client.example>
	S: 250 *
	C: RSET
	S: 250 *
	C: MAIL FROM:<sender@client.example> SIZE=100
	S: 250 *
	C: RCPT TO:<joe@mail.example>
	S: 250 *
	C: DATA
	S: 354 *
	C: .
	S: 250 *
	C: SEND FROM:<sender@client.example> SIZE=100 BODY=8BITMIME
	S: 250 *
	C: RSET
	S: 250 *
	C: SEND FROM:sender
	S: 501 5.1.7 *
	C: SEND TO:<joe@mail.example>
	S: 501 5.5.4 Syntax: SEND FROM:*
	C: SOML FROM:<sender@client.example> SIZE=999999999999999999
	S: 552 *
	C: HELP SAML
	S: 214 2.0.0 SAML FROM:*
	C: QUIT
	S: 221 *
	END
	MBOX joe 1
	EOF
	shows_nothing joe
}

test_an_ordinary_user_gets_messages_at_his_own_terminal() {
	need_root && need setpriv || return 0
	at_terminal joe
	at_terminal ann
	WRAP='setpriv --reuid 20001 --regid 20001 --clear-groups'
	chown 20001 "$SPOOL"
	send SEND '250 *' joe
	refuse SEND '450 4.2.1 *' ann
	WRAP=
	chown 0 "$SPOOL"
	shows joe 'Lunch'
	shows_nothing ann
}

# forged DESTINATION answered|ended [ARGUMENT...]: a session that is taken over asks for it.
forged() {
	attack_with 60 channel destination "$@"
}

test_a_session_reaches_no_terminal_while_terminals_is_no() {
	need_root || return 0
	at_terminal joe
	forged 0 answered -o utmp="$UTMP"
	for destination in 1 2 3 4 4294967295; do
		forged $destination ended -o utmp="$UTMP"
	done
	# shellcheck disable=SC2086
	for destination in 0 1 2 3; do forged $destination answered $ON; done
	# shellcheck disable=SC2086
	forged 4 ended $ON
}

test_t_tells_of_a_utmp_that_cannot_be_read() {
	in_smtpd -t -o utmp=/no/such/file >/dev/null 2>"$SCRATCH/err"
	assertEquals 'where terminals is no' '' "$(cat "$SCRATCH/err")"
	in_smtpd -t -o utmp=/no/such/file -o terminals=yes >/dev/null 2>"$SCRATCH/err"
	assertNotEquals 'exit status' 0 $?
	assertTrue 'a reason' "grep -q '/no/such/file' $SCRATCH/err"
}

# shellcheck disable=SC1091
. shunit2

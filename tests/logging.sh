#!/bin/sh
# SPDX-License-Identifier: ISC
# Logging: a line for each decision, whose it is, and nothing of a client's that could forge one.
# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"

one_of_each='S: 220 *
C: EHLO client.example
S+ 250?*
C: MAIL FROM:<ann@client.example>
S: 250 *
C: RCPT TO:<joe@mail.example>
S: 250 *
C: RCPT TO:<nobody.here@mail.example>
S: 550 5.1.1 *
C: RCPT TO:<joe@elsewhere.example>
S: 550 5.7.1 *
C: DATA
S: 354 *
C: Subject: logged
C:
C: text
C: .
S: 250 2.6.0 *
C: QUIT
S: 221 *
END'

log_lines() {
	grep -cE "$1" "$LOG"
}

test_every_decision_has_one_line() {
	talk <<-EOF
	$one_of_each
	EOF
	assert_log 'delivered .*to=<joe> .*mailbox=[^ ]*/mail/joe .*size=[0-9]+'
	assert_log 'refused .*nobody\.here@mail\.example.*550 5\.1\.1'
	assert_log 'refused .*joe@elsewhere\.example.*550 5\.7\.1'
	assert_log 'accepted .*from=<ann@client\.example>.*size=[0-9]+'
	assertEquals 'delivered' 1 "$(log_lines ' delivered ')"
	assertEquals 'accepted' 1 "$(log_lines ' accepted ')"
	assertEquals 'refused' 2 "$(log_lines ' refused ')"
	assertEquals 'the end of the session' 1 "$(log_lines ' disconnect')"
	assert_log '127\.0\.0\.1'
}

test_every_line_has_its_priority_and_the_sessions_id() {
	talk <<-EOF
	$one_of_each
	EOF
	assertFalse "$(cat "$LOG")" "grep -Evq '^<[0-7]>[A-Za-z0-9.-]+: [a-z]+ ' '$LOG'"
	assertEquals 'ids' 1 "$(sed 's/^<[0-7]>\([^:]*\): .*/\1/' "$LOG" | sort -u | wc -l)"
	_first=$(sed 's/^<[0-7]>\([^:]*\): .*/\1/;q' "$LOG")
	talk <<-EOF
	$one_of_each
	EOF
	assertFalse 'the next session has another' "grep -q '$_first' '$LOG'"
}

test_the_log_names_the_message_as_the_reply_and_received_do() {
	deliver_one joe
	_id=$(tr '\n' ' ' <"$MAIL/joe" | sed 's/.* id \([A-Za-z0-9.-]*\).*/\1/')
	assertNotNull 'an id' "$_id"
	assert_log "delivered message=$_id "
}

test_a_message_that_was_refused_after_the_data_is_logged() {
	talk -o message-size-limit=10 <<-'EOF'
	S: 220 *
	C: HELO client.example
	S: 250 *
	C: MAIL FROM:<ann@client.example>
	S: 250 *
	C: RCPT TO:<joe@mail.example>
	S: 250 *
	C: DATA
	S: 354 *
	C: more than ten octets
	C: .
	S: 552 *
	EOF
	assert_log 'refused .*552 5\.3\.4'
	assertEquals 'delivered' 0 "$(log_lines 'delivered ')"
}

test_the_end_of_a_session_is_logged_with_its_reason() {
	talk <<-'EOF'
	S: 220 *
	C: HELO client.example
	S: 250 *
	RESET
	EOF
	assertEquals 'lost' 1 "$(log_lines ' disconnect')"
	talk -o command-timeout=1s <<-'EOF'
	S: 220 *
	S: 421 4.4.2 *
	END
	EOF
	assertEquals 'timed out' 1 "$(log_lines ' disconnect')"
	assert_log '421 4\.4\.2|time'
}

# Everything that a client can put into a line of the log.
test_what_a_client_says_is_made_printable() {
	talk <<-'EOF'
	S: 220 *
	C- HELO x\x1b[31m\r\n
	S: 50[01] *
	C- BOGUS\x1b[31m \xff\x80\r\n
	S: 50[01] *
	C- NOOP\n<2>fake: delivered message=1\r\n
	S: 500 *
	C- VRFY \xff\xfe\r\n
	S: 5* *
	C: HELO "client\" reply="250
	S: [25]* *
	C: HELO client.example
	S: 250 *
	C: MAIL FROM:<"a\" to=<root> x"@client.example>
	S: 250 *
	C- RCPT TO:<"joe\xe4\\\" reply=\\\"250 ok"@mail.example>\r\n
	S: 501 *
	C: RCPT TO:<"x\" reply=\"250"@mail.example>
	S: 550 *
	C: QUIT
	S: 221 *
	END
	EOF
	assertFalse "not printable: $(LC_ALL=C grep '[^ -~]' "$LOG")" "LC_ALL=C grep -q '[^ -~]' '$LOG'"
	assertEquals 'forged' 0 "$(log_lines '^<2>fake|" reply="250|" to=<root>')"
	assertFalse "quotes: $(cat "$LOG")" \
	    "sed 's/=\"[^\"]*\"//g' '$LOG' | grep -q '\"'"
}

test_a_mailbox_or_passwd_line_cannot_forge_a_line_either() {
	printf 'evil:x:20060:8:x\033[31m:/nowhere\033[31m:/bin/sh\n' >"$SCRATCH/evil"
	grep '^nobody:' "$PASSWD" >>"$SCRATCH/evil"
	talk -o passwd="$SCRATCH/evil" -o mailbox=%h/mbox <<-'EOF'
	S: 220 *
	C: HELO client.example
	S: 250 *
	C: MAIL FROM:<ann@client.example>
	S: 250 *
	C: RCPT TO:<evil@mail.example>
	S: 45? *
	C: QUIT
	S: 221 *
	END
	EOF
	assertFalse 'not printable' "LC_ALL=C grep -q '[^ -~]' '$LOG'"
}

test_log_none_says_nothing() {
	talk -o log=none <<-EOF
	$one_of_each
	EOF
	assertEquals '' "$(cat "$LOG")"
}

# with_syslog ARGUMENT...: one_of_each with a syslog of our own at /dev/log; what it got is in
# $SCRATCH/syslog, a line a datagram.  A private /dev keeps the machine's own syslog out of it.
with_syslog() {
	cat >"$SCRATCH/listen" <<-'EOF'
	import os, select, socket, sys, time
	log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
	log.bind('/dev/log')
	os.chmod('/dev/log', 0o666)
	# A stuck one reads nothing, and its queue is full already; a dead one is there no more.
	if sys.argv[2] == 'stuck':
	    other = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
	    other.connect('/dev/log')
	    other.setblocking(False)
	    try:
	        while True:
	            other.send(b'full')
	    except BlockingIOError:
	        pass
	open(sys.argv[1] + '/listening', 'w').close()
	if sys.argv[2] == 'dead':
	    log.close()
	while sys.argv[2] != 'well' and not os.path.exists(sys.argv[1] + '/done'):
	    time.sleep(0.05)
	with open(sys.argv[1] + '/syslog', 'wb') as got:
	    if sys.argv[2] != 'well':
	        sys.exit()
	    while not os.path.exists(sys.argv[1] + '/done') or select.select([log], [], [], 0)[0]:
	        if select.select([log], [], [], 0.05)[0]:
	            got.write(log.recv(65536) + b'\n')
	EOF
	cat >"$SCRATCH/with-syslog" <<-'EOF'
	set -e
	mkdir -p "$SCRATCH/real-dev"
	mount --rbind /dev "$SCRATCH/real-dev"
	mount -t tmpfs -o mode=755 tmpfs /dev
	for device in null zero random urandom; do
	    : >/dev/$device
	    mount --bind "$SCRATCH/real-dev/$device" /dev/$device
	done
	rm -f "$SCRATCH/listening" "$SCRATCH/done"
	[ "$LISTENER" != none ] || exec "$@"
	timeout 60 python3 "$SCRATCH/listen" "$SCRATCH" "$LISTENER" &
	listener=$!
	while [ ! -e "$SCRATCH/listening" ]; do sleep 0.05; done
	status=0
	"$@" || status=$?
	: >"$SCRATCH/done"
	wait $listener
	exit $status
	EOF
	echo "$one_of_each" >"$SCRATCH/dialogue"
	# shellcheck disable=SC2086
	unshare -m sh "$SCRATCH/with-syslog" python3 -S "$TESTS/talk" -e "$LOG" "$SCRATCH/dialogue" -- \
	    "$BIN" $USUAL -o log=syslog "$@" || fail 'the dialogue went otherwise'
	assertEquals 'descriptor 2' '' "$(cat "$LOG")"
}

export LISTENER=well

can_mount() {
	need_root || return 1
	need unshare || return 1
	unshare -m mount -t tmpfs tmpfs "$SPOOL" 2>/dev/null || { skip 'no mounts here'; return 1; }
}

# <22> is mail.info, <20> mail.warning (RFC 3164 4.1.1).
assert_syslog() {
	grep -Eq "$1" "$SCRATCH/syslog" || { cat "$SCRATCH/syslog"; fail "syslog has no $1"; }
}

test_the_log_goes_to_syslog_as_the_mail_system() {
	can_mount || return 0
	with_syslog
	_head='^<(16|17|18|19|20|21|22)>[A-Z][a-z]{2} [ 1-3][0-9] ..:..:.. in\.smtpd\[[0-9]+\]: '
	assertFalse "$(cat "$SCRATCH/syslog")" "grep -Evq '$_head' '$SCRATCH/syslog'"
	assert_syslog 'delivered message=.* to=<joe> '
	assert_syslog 'refused .*550 5\.7\.1'
	assert_syslog 'disconnect'
}

test_syslog_is_reached_from_a_chroot() {
	can_mount || return 0
	_root=$SCRATCH/root
	mkdir "$_root" "$_root/mail" "$_root/spool"
	chown 0:8 "$_root/mail"
	chmod 2775 "$_root/mail"
	cp "$PASSWD" "$_root/passwd"
	with_syslog -o chroot="$_root" -o passwd=/passwd -o mailbox=/mail/%u -o spool=/spool
	assert_syslog 'delivered message=.* to=<joe> mailbox=/mail/joe '
	assert_syslog 'disconnect'
	assertTrue 'and mail, too' "grep -q '^Subject: logged' '$_root/mail/joe'"
	rm -rf "$_root"
}

test_a_wrong_setting_is_logged_to_syslog() {
	can_mount || return 0
	_one_of_each=$one_of_each
	one_of_each='S: 421 4.3.5 *'
	with_syslog -o no-such-thing=1
	one_of_each=$_one_of_each
	assert_syslog 'no-such-thing'
}

test_a_syslog_that_is_not_there_stops_no_mail() {
	can_mount || return 0
	LISTENER=none
	with_syslog
	LISTENER=well
	assertFalse 'nobody listened' "[ -e '$SCRATCH/listening' ]"
	assertEquals 'messages' 1 "$(mailbox_messages joe)"
}

test_a_syslog_that_died_stops_no_mail() {
	can_mount || return 0
	LISTENER=dead
	with_syslog
	LISTENER=well
	assertEquals 'messages' 1 "$(mailbox_messages joe)"
}

# Each line is waited for a while, but not for ever; dialogues have twenty seconds.
test_a_syslog_that_is_stuck_stops_no_mail() {
	can_mount || return 0
	LISTENER=stuck
	with_syslog
	LISTENER=well
	assertEquals 'messages' 1 "$(mailbox_messages joe)"
}

# The other end of descriptor 2 may be as stuck as that.
test_a_log_on_descriptor_2_that_nobody_reads_stops_no_mail() {
	mkfifo "$SCRATCH/pipe"
	cat >"$SCRATCH/with-a-full-pipe" <<-'EOF'
	import fcntl, os, sys
	reader = os.open(sys.argv[1], os.O_RDONLY | os.O_NONBLOCK)
	writer = os.open(sys.argv[1], os.O_WRONLY | os.O_NONBLOCK)
	try:
	    while True:
	        os.write(writer, b'full')
	except BlockingIOError:
	    fcntl.fcntl(writer, fcntl.F_SETFL, 0)
	os.dup2(writer, 2)
	os.set_inheritable(reader, True)
	os.execv(sys.argv[2], sys.argv[2:])
	EOF
	WRAP="python3 -S $SCRATCH/with-a-full-pipe $SCRATCH/pipe"
	talk <<-EOF
	$one_of_each
	EOF
	WRAP=''
	assertEquals 'messages' 1 "$(mailbox_messages joe)"
}

# shellcheck disable=SC1091
. shunit2

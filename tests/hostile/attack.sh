#!/bin/sh
# SPDX-License-Identifier: ISC
# Attacks that once worked: what a client, a user or a super-server could do to an early version.
# shellcheck disable=SC2016  # what stands in quotes runs elsewhere
# shellcheck source=tests/lib.sh
. "${TESTS:-${0%/*}/..}/lib.sh"

transaction='S: 220 *
C: HELO client.example
S: 250 *
C: MAIL FROM:<sender@client.example>
S: 250 *
C: RCPT TO:<joe@mail.example>
S: 250 *
C: DATA
S: 354 *'

# For clients that talk cannot play.  A process that an attack hangs is ended.
cat >"$SCRATCH/attack.py" <<'EOF2'
import atexit, os, select, signal, socket, subprocess, sys, time

IN_SMTPD = os.environ['IN_SMTPD'].split()
LOG = os.environ['LOG']


def start(*arguments, pair=None, **how):
    """The program on one end of a connection, and the other end."""
    ours, theirs = pair or socket.socketpair()
    with open(LOG, 'wb') as log:
        server = subprocess.Popen(IN_SMTPD + list(arguments), stdin=theirs, stdout=theirs,
                                  **{'stderr': log, **how})
    theirs.close()
    ours.settimeout(20)
    atexit.register(lambda: server.poll() is None and server.kill())
    return server, ours


def message(*users):
    return (b'HELO client.example\r\nMAIL FROM:<sender@client.example>\r\n'
            + b''.join(b'RCPT TO:<%s@mail.example>\r\n' % user.encode() for user in users)
            + b'DATA\r\nSubject: attack\r\n\r\ntext\r\n.\r\nQUIT\r\n')


def all_of(client):
    """What it says until it closes."""
    said = b''
    while True:
        piece = client.recv(65536)
        if not piece:
            return said.decode()
        said += piece
EOF2

# attack [ARGUMENT...] <<EOF: a Python program with these helpers; it fails where it raises.
export IN_SMTPD="$BIN $USUAL"
attack() {
	cat "$SCRATCH/attack.py" - >"$SCRATCH/attacker.py"
	timeout -k 1 60 python3 -S "$SCRATCH/attacker.py" "$@" || fail 'the attack worked'
}

can_mount() {
	need_root || return 1
	need unshare || return 1
	unshare -m mount -t tmpfs tmpfs "$SPOOL" 2>/dev/null || { skip 'no mounts here'; return 1; }
}

# --- a user

# He makes it a file for those who look and a FIFO for those who open.  An open of a FIFO hangs
# until there is a writer, and ann's mailbox stays locked with his.
test_a_dotlock_that_flips_between_file_and_fifo_hangs_nobody() {
	attack <<-'EOF'
	home = os.environ['HOMES'] + '/joe/'
	flipper = os.fork()
	if flipper == 0:
	    if os.getuid() == 0:
	        os.setgid(8)
	        os.setuid(20001)
	    end = time.monotonic() + 30
	    while time.monotonic() < end:
	        try:
	            with open(home + 'file', 'w') as file:
	                file.write('99999999\n')
	            os.rename(home + 'file', home + 'Mailbox.lock')
	            os.mkfifo(home + 'fifo')
	            os.rename(home + 'fifo', home + 'Mailbox.lock')
	        except OSError:
	            pass
	    os._exit(0)
	try:
	    server, client = start('-o', 'mailbox=%h/Mailbox', '-o', 'lock-timeout=2s')
	    client.settimeout(8)
	    client.sendall(message('ann', 'joe'))
	    verdict = all_of(client).split('\r\n')[-3]
	    assert verdict[:4] in ('250 ', '450 '), verdict
	    server.wait(5)
	finally:
	    os.kill(flipper, signal.SIGKILL)
	EOF
	rm -f "$HOMES/ann/Mailbox" "$HOMES"/joe/*
}

# --- a client

# What is buffered behind replies that nobody took is not obeyed: the client will send it again.
test_a_client_that_never_reads_is_not_obeyed() {
	attack <<-'EOF'
	ours, theirs = socket.socketpair()
	theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
	server, client = start('-o', 'command-timeout=2s', pair=(ours, theirs))
	client.setblocking(False)
	commands = b'HELP\r\n' * 2000 + message('joe')
	assert client.send(commands) == len(commands)
	server.wait(15)
	EOF
	assertEquals 'messages' 0 "$(mailbox_messages joe)"
	assert_log 'reason="timeout"'
}

# A close with input unread is a reset, and a reset takes away what the client has not read.
test_the_last_421_arrives_although_input_is_unread() {
	attack -o error-limit=5 -o error-delay=0 <<-'EOF'
	with socket.create_server(('127.0.0.1', 0)) as listener:
	    ours = socket.create_connection(listener.getsockname())
	    theirs, _ = listener.accept()
	server, client = start(*sys.argv[1:], pair=(ours, theirs))
	client.sendall(b'BAD\r\n' * 60000)
	time.sleep(0.5)
	last = all_of(client).split('\r\n')[-2]
	assert last.startswith('421 4.7.0 '), last
	EOF
}

test_a_client_that_goes_while_it_pays_for_errors_is_logged_as_lost() {
	attack <<-'EOF'
	server, client = start('-o', 'error-delay=1s')
	client.sendall(b'BAD\r\n' * 13)
	time.sleep(0.5)
	client.close()
	server.wait(15)
	EOF
	assert_log 'reason="lost connection"'
}

# 2^64 - 1 and anything more is little.
test_a_size_that_overflows_is_refused_at_mail_where_there_is_no_limit() {
	talk -o message-size-limit=0 -o mailbox-size-limit=1M <<-'EOF'
	S: 220 *
	C: EHLO client.example
	S+ 250?*
	C: MAIL FROM:<sender@client.example> SIZE=18446744073709551615
	S: 552 5.3.4 *
	C: MAIL FROM:<sender@client.example> SIZE=18446744073709551614
	S: 552 5.3.4 *
	C: MAIL FROM:<sender@client.example> SIZE=9223372036854775807
	S: 552 5.3.4 *
	C: QUIT
	S: 221 *
	END
	EOF
}

# The mailbox takes the message, but not with the lines that are put before it: 452 for one at RCPT
# is better than 552 for all after the data.
test_the_size_that_counts_at_rcpt_is_that_with_our_lines() {
	head -c 9001 /dev/zero | tr '\0' '\n' >"$MAIL/joe"
	[ -z "$ROOT" ] || chown 20001:8 "$MAIL/joe"
	talk -o mailbox-size-limit=10000 <<-'EOF'
	S: 220 *
	C: EHLO client.example
	S+ 250?*
	C: MAIL FROM:<sender@client.example> SIZE=900
	S: 250 *
	C: RCPT TO:<joe@mail.example>
	S: [45]52 *
	C: RCPT TO:<ann@mail.example>
	S: 250 *
	C: DATA
	S: 354 *
	C: \{850:x}
	C: .
	S: 250 *
	C: QUIT
	S: 221 *
	END
	MBOX ann 1
	EOF
}

test_an_ehlo_name_cannot_forge_keys_in_the_log() {
	talk <<-'EOF'
	S: 220 *
	C: HELO x> from=<boss@mail.example> nrcpt=9 y=<
	S: 250 *
	C: MAIL FROM:<"> to=<boss"@client.example>
	S: 250 *
	C: RCPT TO:<nobody-here@mail.example>
	S: 550 *
	C: RCPT TO:<joe@mail.example>
	S: 250 *
	C: DATA
	S: 354 *
	C: text
	C: .
	S: 250 *
	C: QUIT
	S: 221 *
	END
	LOG *accepted* helo=<x[?] from=[?]boss@mail.example[?] *
	LOG *refused* helo=<x[?] from=[?]boss@mail.example[?] *
	!LOG *from=<boss*
	!LOG *to=<boss*
	EOF
}

# RFC 5322 4.5: old mail has blanks before the colon.
test_a_field_name_with_blanks_before_its_colon_begins_a_header() {
	for _blanks in ' ' '\t' '  \t '; do
		fresh_mail
		talk <<-EOF
		$transaction
		C: Subject$_blanks: old
		C: X-Second: line
		C:
		C: text
		C: .
		S: 250 *
		MBOX joe 1
		EOF
		# Python does not take it for a header, others do: no blank line may stand before.
		mailbox_message joe 1 | sed '/^$/q' >"$SCRATCH/header"
		assertTrue "$(cat "$SCRATCH/header")" "grep -q '^X-Second: line' '$SCRATCH/header'"
	done
}

test_an_ehlo_name_of_255_octets_stands_whole_in_received() {
	_63=$(printf '%063d' 0 | tr 0 a)
	_name=$_63.$_63.$_63.$_63
	assertEquals 'octets' 255 ${#_name}
	# One is a domain, the other is none and stands in a comment.
	for _name in "$_name" "_$_63.$_63.$_63.${_63#a}"; do
		fresh_mail
		talk <<-EOF
		S: 220 *
		C: HELO $_name
		S: 250 *
		C: MAIL FROM:<sender@client.example>
		S: 250 *
		C: RCPT TO:<joe@mail.example>
		S: 250 *
		C: DATA
		S: 354 *
		C: .
		S: 250 *
		HEADER joe Received: *[( ]${_name}[) ]*
		EOF
	done
}

# An open file description has no process: F_GETLK says -1 (fcntl(2)).
test_a_lock_of_no_process_names_none() {
	: >"$MAIL/joe"
	[ -z "$ROOT" ] || chown 20001:8 "$MAIL/joe"
	attack -o lock-timeout=0 <<-'EOF'
	import fcntl, struct
	F_OFD_SETLK = 37
	mailbox = open(os.environ['MAIL'] + '/joe', 'r+')
	fcntl.fcntl(mailbox, F_OFD_SETLK, struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, 0, 0, 0))
	server, client = start(*sys.argv[1:])
	client.sendall(message('joe'))
	verdict = all_of(client).split('\r\n')[-3]
	assert verdict.startswith('450 4.2.0 ') and 'process' not in verdict, verdict
	server.wait(5)
	EOF
	assertFalse "$(cat "$LOG")" "grep -q 'process -1' '$LOG'"
}

# --- a session that is taken over

# What the deliverer's stack held is told to nobody.
test_an_answer_of_the_deliverer_holds_nothing_else() {
	need strace || return 0
	WRAP="strace -f -qq -s 200 -e trace=sendto -o $SCRATCH/trace"
	deliver_one joe
	WRAP=
	# The outcome, a note that begins with text or not, and nothing behind it.
	_answers=$(grep -Ec 'sendto\([0-9]+, "(\\0)+([ -[^-~]+|\])*(\\0)+", 84,' "$SCRATCH/trace")
	assertEquals "$(grep ' 84, ' "$SCRATCH/trace")" 2 "$_answers"
}

# --- a super-server

test_ignored_sigchld_is_no_failure() {
	cat >"$SCRATCH/ignoring" <<-'EOF'
	import os, signal, sys
	signal.signal(signal.SIGCHLD, signal.SIG_IGN)
	os.execv(sys.argv[1], sys.argv[1:])
	EOF
	WRAP="python3 -S $SCRATCH/ignoring"
	talk <<-EOF
	$transaction
	C: text
	C: .
	S: 250 *
	C: QUIT
	S: 221 *
	END
	EXIT 0
	EOF
	WRAP=
}

test_descriptors_that_are_inherited_are_closed_in_both_processes() {
	echo secret >"$SCRATCH/secret"
	cat >"$SCRATCH/leaking" <<-'EOF'
	exec 3<"$SCRATCH/secret" 9<"$SCRATCH/secret"
	exec "$@"
	EOF
	cat >"$SCRATCH/look" <<-'EOF'
	deliverer=$(cat "/proc/$SERVER/task/$SERVER/children")
	[ -n "$deliverer" ] || { echo 'there is no deliverer'; exit 1; }
	for fd in /proc/"$SERVER"/fd/* /proc/${deliverer% }/fd/*; do
	    [ "$(readlink "$fd")" != "$SCRATCH/secret" ] || { echo "$fd is open"; exit 1; }
	done
	EOF
	WRAP="sh $SCRATCH/leaking"
	talk <<-EOF
	$transaction
	RUN sh "\$SCRATCH/look"
	C: .
	S: 250 *
	EOF
	WRAP=
}

# Each recipient is a line of the log; the client cannot wait a second for each.
test_a_stuck_log_delays_ten_recipients_no_more_than_one() {
	attack <<-'EOF'
	reader, writer = os.pipe()
	os.set_blocking(writer, False)
	try:
	    while True:
	        os.write(writer, b'full' * 1024)
	except BlockingIOError:
	    os.set_blocking(writer, True)
	server, client = start(stderr=writer)
	started = time.monotonic()
	client.sendall(message('joe', 'ann', 'jsmith', 'jane', 'lee1', 'lee2', 'plain', 'max',
	                       'first.last', 'joe-list'))
	said = ''
	while '250 2.6.0 ' not in said:
	    said += client.recv(4096).decode()
	took = time.monotonic() - started
	assert took < 5, f'{took} s'
	client.close()
	server.wait(15)
	EOF
	assertEquals 'messages' 1 "$(mailbox_messages max)"
}

# Each takes one descriptor, and the soft limit is not the last word.
test_a_low_soft_limit_of_descriptors_stops_no_new_mailboxes() {
	cp "$PASSWD" "$SCRATCH/crowd"
	for _i in $(seq 120); do
		_uid=$((30000 + _i))
		[ -n "$ROOT" ] || _uid=$(id -u)
		printf 'crowd%d:x:%d:8::/:/bin/sh\n' "$_i" "$_uid"
	done >>"$SCRATCH/crowd"
	for _count in 40 80 120; do
		fresh_mail
		attack "$_count" -o passwd="$SCRATCH/crowd" -o recipient-limit=200 <<-'EOF'
		import resource
		users = ['crowd%d' % (i + 1) for i in range(int(sys.argv[1]))]
		server, client = start(*sys.argv[2:], preexec_fn=lambda:
		                       resource.setrlimit(resource.RLIMIT_NOFILE, (64, 4096)))
		client.sendall(message(*users))
		verdict = all_of(client).split('\r\n')[-3]
		assert verdict.startswith('250 2.6.0 '), f'{len(users)} recipients: {verdict}'
		server.wait(5)
		EOF
		assertEquals 'mailboxes' "$_count" "$(find "$MAIL" -type f -size +0 | wc -l)"
	done
}

# --- the disk

# It may be new: a try before this one made it, and found another mailbox locked.
test_the_directory_of_an_empty_mailbox_is_synced() {
	need strace || return 0
	: >"$MAIL/joe"
	[ -z "$ROOT" ] || chown 20001:8 "$MAIL/joe"
	WRAP="strace -f -qq -y -e trace=fsync,send,sendto -o $SCRATCH/trace"
	deliver_one joe
	WRAP=
	sed '/250 2\.6\.0/q' "$SCRATCH/trace" >"$SCRATCH/before-250"
	assertTrue "$(cat "$SCRATCH/before-250")" \
	    "grep -Eq 'fsync\([0-9]+<$MAIL/?>\)' '$SCRATCH/before-250'"
}

test_a_read_only_disk_refuses_at_rcpt() {
	can_mount || return 0
	cat >"$SCRATCH/read-only" <<-'EOF'
	mount -t tmpfs -o ro,mode=2775,gid=8 tmpfs "$MAIL" && exec "$@"
	EOF
	WRAP="unshare -m sh $SCRATCH/read-only"
	talk <<-'EOF'
	S: 220 *
	C: HELO client.example
	S: 250 *
	C: MAIL FROM:<sender@client.example>
	S: 250 *
	C: RCPT TO:<joe@mail.example>
	S: 451 4.* *
	C: DATA
	S: 503 *
	C: QUIT
	S: 221 *
	END
	LOG *deferred to=<joe> *Read-only file system*
	EOF
	WRAP=
}

# --- the administrator

test_a_mailbox_setting_that_ends_in_a_slash_is_refused() {
	for _mailbox in /x/ %h/ /x/%u/; do
		assertFalse "$_mailbox" "'$BIN' -t -o mailbox=$_mailbox >/dev/null 2>'$SCRATCH/said'"
		assertTrue "$(cat "$SCRATCH/said")" "grep -q '^in.smtpd: .*mailbox' '$SCRATCH/said'"
		talk -o mailbox="$_mailbox" <<-'EOF'
		S: 421 4.3.5 *
		END
		LOG *mailbox*
		EOF
	done
}

# shellcheck disable=SC1091
. shunit2

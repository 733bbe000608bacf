#!/bin/sh
# SPDX-License-Identifier: ISC
# What mail readers make of a delivery: mutt and Dovecot see new mail, and agree; a signature that
# was good when it was sent is good in the mailbox.
#
# To see one of these tests fail: tests/mutants dates the reading behind the delivery, delivers a
# message as one that is read, or forgets a `>`.
# shellcheck disable=SC2317 # setUp is called by shunit2
# shellcheck source=tests/lib.sh
. "${TESTS:-${0%/*}/..}/lib.sh"

PACKAGES=$(cd "$TESTS/.." && pwd)/build/packages
IMAP=$PACKAGES/dovecot-imapd/usr/lib/dovecot/imap
DKIM=$PACKAGES/python3-dkim/usr/lib/python3/dist-packages

# as_joe COMMAND...: with his ids, and with nothing of our environment.
as_joe() {
	setpriv --reuid 20001 --regid 8 --clear-groups env -i PATH=/usr/bin:/bin HOME="$HOMES/joe" \
	    USER=joe TERM=dumb "$@"
}

# mutt -Z: status 0 if there is new mail, and then it shows the mailbox, until told to exit; 1 if
# there is none.
mutt_says_new() {
	printf 'set folder=%s sleep_time=0 quit=yes timeout=1\nmailboxes %s\npush <exit>\n' \
	    "$HOMES/joe" "$MAIL/joe" >"$SCRATCH/muttrc"
	as_joe timeout 10 script -qec "mutt -n -F $SCRATCH/muttrc -Z" /dev/null \
	    </dev/null >"$SCRATCH/mutt" 2>&1
	_status=$?
	[ $_status -le 1 ] || { cat "$SCRATCH/mutt"; fail "mutt: status $_status"; }
	return $_status
}

# imap COMMAND...: what Dovecot answers to these; `!` before one makes it one for the shell.
imap() {
	cat >"$SCRATCH/dovecot.conf" <<-EOF
	base_dir = $SCRATCH/dovecot
	state_dir = $SCRATCH/dovecot
	ssl = no
	mail_location = mbox:~/mail:INBOX=$MAIL/%u
	log_path = /dev/stderr
	stats_writer_socket_path =
	EOF
	python3 -c 'import subprocess, sys
server = subprocess.Popen(sys.argv[1].split(), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
server.stdout.readline()
for number, command in enumerate(sys.argv[2:] + ["LOGOUT"]):
    if command.startswith("!"):
        subprocess.run(command[1:], shell=True, check=True)
        continue
    server.stdin.write(f"a{number} {command}\r\n".encode())
    server.stdin.flush()
    for line in server.stdout:
        sys.stdout.buffer.write(line.replace(b"\r\n", b"\n"))
        if line.startswith(f"a{number} ".encode()):
            break' "setpriv --reuid 20001 --regid 8 --clear-groups env -i USER=joe HOME=$HOMES/joe
	    PATH=/usr/bin:/bin LD_LIBRARY_PATH=$PACKAGES/dovecot-core/usr/lib/dovecot
	    $PACKAGES/dovecot-core/usr/bin/doveconf -f service=imap -c $SCRATCH/dovecot.conf -m imap
	    -e $IMAP" "$@" 2>>"$SCRATCH/dovecot.log"
}

there() {
	need_root && need mutt && need script || return 1
	[ -x "$IMAP" ] || { skip 'Dovecot is not there'; return 1; }
}

setUp() {
	fresh_mail
	rm -rf "$HOMES/joe/mail"
}

# An old message that mutt and Dovecot have both seen and that is read.
make_read_mailbox() {
	printf '%s\n' 'From old@client.example Sun Jan  1 00:00:00 2023' 'Subject: old' 'Status: RO' '' \
	    'old text' '' >"$MAIL/joe"
	chown 20001:8 "$MAIL/joe"
	chmod 600 "$MAIL/joe"
	imap 'SELECT INBOX' 'FETCH 1 BODY[]' >/dev/null
}

# Its date of reading is of the same second.
test_mutt_sees_new_mail_after_a_delivery_and_not_before() {
	there || return 0
	make_read_mailbox
	touch -a "$MAIL/joe"
	mutt_says_new && fail 'before the delivery'
	deliver_one joe
	mutt_says_new || fail 'after the delivery'
}

test_mutt_sees_new_mail_in_a_mailbox_read_a_moment_ago_and_in_a_new_one() {
	there || return 0
	make_read_mailbox
	imap 'SELECT INBOX' 'FETCH 1 BODY[]' >/dev/null
	deliver_one joe
	mutt_says_new || fail 'a moment ago'
	rm "$MAIL/joe"
	deliver_one joe
	mutt_says_new || fail 'new'
}

test_dovecot_and_mutt_agree_on_what_is_new() {
	there || return 0
	make_read_mailbox
	deliver_one joe 'Subject: one' '' text
	deliver_one joe 'Subject: two' '' text
	assertTrue 'mutt says so' mutt_says_new
	imap 'EXAMINE INBOX' 'SEARCH NEW' 'SEARCH SEEN' 'SEARCH UNSEEN' >"$SCRATCH/imap"
	grep -qx '\* 3 EXISTS' "$SCRATCH/imap" || fail 'three messages'
	grep -qx '\* 2 RECENT' "$SCRATCH/imap" || fail 'two are recent'
	assertEquals 'new; seen; unseen' '* SEARCH 2 3;* SEARCH 1;* SEARCH 2 3;' \
	    "$(grep '^\* SEARCH' "$SCRATCH/imap" | tr '\n' ';')"
	# And when one of them is read, both know it.
	imap 'SELECT INBOX' 'FETCH 2 BODY[]' 'FETCH 3 BODY[]' >/dev/null
	imap 'EXAMINE INBOX' 'SEARCH UNSEEN' >"$SCRATCH/imap"
	grep -qx '\* SEARCH' "$SCRATCH/imap" || fail 'all are read'
	mutt_says_new && fail 'all are read, mutt'
	! grep -E 'Error|Warning|Panic' "$SCRATCH/dovecot.log" || fail 'Dovecot found something wrong'
}

test_dovecot_sees_new_mail_while_it_has_the_mailbox_open() {
	there || return 0
	make_read_mailbox
	deliver_one joe
	imap 'SELECT INBOX' "!$TESTS/talk -a $SCRATCH/deliver_one -- $BIN $USUAL" NOOP 'SEARCH NEW' \
	    >"$SCRATCH/imap"
	grep -qx '\* 2 EXISTS' "$SCRATCH/imap" || fail 'one message to begin with'
	grep -qx '\* 3 EXISTS' "$SCRATCH/imap" || fail 'it does not see the second'
	grep -qx '\* SEARCH 2 3' "$SCRATCH/imap" || fail 'they are not new'
}

# A message for each way to canonicalize header and body.
test_a_signature_made_before_sending_is_good_in_the_mailbox() {
	need openssl || return 0
	[ -d "$DKIM" ] || { skip 'python3-dkim is not there'; return; }
	openssl genrsa -out "$SCRATCH/key" 2048 2>/dev/null
	cat >"$SCRATCH/dkim.py" <<-'EOF'
	import os, re, smtplib, socket, subprocess, sys, mailbox
	sys.path.insert(0, sys.argv[1])
	import dkim
	scratch, box, command = os.environ['SCRATCH'], os.environ['MAIL'] + '/joe', sys.argv[2:]
	key = open(scratch + '/key', 'rb').read()
	public = subprocess.run(['openssl', 'rsa', '-in', scratch + '/key', '-pubout'],
	    capture_output=True, check=True).stdout
	record = b'v=DKIM1; k=rsa; p=' + b''.join(public.split(b'\n')[1:-2])
	text = b'\r\n'.join([
	    b'From: Ann <ann@client.example>', b'To: joe@mail.example', b'Subject: signed ',
	    b'X-Folded: one', b'\ttwo', b'', b'From here', b'>From there', b'>>From it', b'blanks  \t ',
	    b'.', b'..', b'.dot', b'', b'long ' + 3000 * b'x', bytes(range(128, 256)), b'  ', b'tab\t',
	    b'From the end', b'', b'', b'']) + b'\r\n'

	def unquoted(message):
	    return re.sub(b'^>(>*From )', b'\\1', message, flags=re.M)

	def plain(message):
	    return message

	def verify(undo):
	    "Of each message in the mailbox, is its signature good?"
	    there = mailbox.mbox(box, create=False)
	    return [dkim.verify(undo(there.get_bytes(key)).replace(b'\n', b'\r\n'),
	        dnsfunc=lambda name, **more: record) for key in there.keys()]

	ways = [(a, b) for a in (b'simple', b'relaxed') for b in (b'simple', b'relaxed')]
	for way in ways:
	    signed = dkim.sign(text, b'here', b'client.example', key, canonicalize=way,
	        include_headers=[b'from', b'to', b'subject', b'x-folded']) + text
	    ours, theirs = socket.socketpair()
	    process = subprocess.Popen(command, stdin=theirs, stdout=theirs)
	    theirs.close()
	    with ours, ours.makefile('rb') as replies:
	        for line in (b'EHLO x', b'MAIL FROM:<ann@client.example>', b'RCPT TO:<joe@mail.example>',
	                     b'DATA', re.sub(b'(?m)^\\.', b'..', signed) + b'.', b'QUIT'):
	            ours.sendall(line + b'\r\n')
	        answers = replies.read()
	    process.wait(20)
	    if b'\r\n250 2.6.0' not in answers:
	        sys.exit(f'it was not taken: {answers}')
	good, without = verify(unquoted), verify(plain)
	print('good', good, 'with the quoting left', without)
	# That the quoting matters shows that this test looks at the body at all.
	sys.exit(good != [True] * len(ways) or any(without))
	EOF
	# shellcheck disable=SC2086 # many words
	timeout 60 python3 "$SCRATCH/dkim.py" "$DKIM" "$BIN" $USUAL 2>"$SCRATCH/dkim.err" ||
		{ tail -n 5 "$SCRATCH/dkim.err"; fail 'the signature is broken'; }
}

# shellcheck disable=SC1091
. shunit2

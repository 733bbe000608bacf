#!/bin/sh
# SPDX-License-Identifier: ISC
# In a root directory of its own, with nothing there but what examples/chroot/make-root lays out:
# a whole delivery under a super-server, with chroot(8) and with the setting, and the system log.
# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"

EXAMPLE=$TESTS/../examples/chroot
PATH=$PATH:/usr/sbin:/sbin
ROOT_DIRECTORY=$SCRATCH/root
server='' syslogd=''

# A program with libraries cannot run there; that it is refused is all that can be tried with one.
is_static() {
	! readelf -lW "$BIN" | grep -q ' INTERP '
}

suite() {
	suite_addTest test_by_the_setting_everything_happens_below_the_root
	suite_addTest test_only_root_can_lay_it_out
	suite_addTest test_a_program_that_needs_libraries_is_refused
	is_static || return
	suite_addTest test_what_is_laid_out_is_this_and_no_more
	suite_addTest test_a_second_time_renews_users_and_program_and_keeps_mail_and_settings
	suite_addTest test_users_may_be_named
	suite_addTest test_the_check_tells_what_is_wrong
	suite_addTest test_by_chroot_a_delivery_happens_inside_and_is_in_the_system_log
}

# Users of the host are those of the tests, and one has a password there.
make_root() {
	sed 's/^joe:x:/joe:secret:/' "$PASSWD" >"$SCRATCH/host"
	sed "s| /etc/passwd\$| $SCRATCH/host|; s| /etc/passwd)\$| $SCRATCH/host)|" \
	    "$EXAMPLE/make-root" >"$SCRATCH/make-root"
	sh "$SCRATCH/make-root" "$@"
}

lay_out() {
	rm -rf "$ROOT_DIRECTORY"
	make_root -b "$BIN" -h inside.example -u 20001-20004 "$ROOT_DIRECTORY"
}

tearDown() {
	for _process in $server $syslogd; do
		kill "$_process"
		wait "$_process" 2>/dev/null
	done
	server='' syslogd=''
}

# serve COMMAND...: on $port, answered by it for each connection
serve() {
	port=$(python3 -c 'import socket
with socket.socket() as s:
	s.bind(("127.0.0.1", 0))
	print(s.getsockname()[1])')
	"$@" >"$LOG" 2>&1 &
	server=$!
	within 5 grep -q "$(printf ':%04X 00000000:0000 0A' "$port")" /proc/net/tcp
}

# What a syslogd does with the socket of a root directory.
start_syslogd() {
	python3 - "$ROOT_DIRECTORY/dev/log" >"$SCRATCH/syslog" <<-'EOF' &
	import os, socket, sys
	with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
	    log.bind(sys.argv[1])
	    os.chmod(sys.argv[1], 0o666)
	    while True:
	        print(log.recv(4096).decode(), flush=True)
	EOF
	syslogd=$!
	within 5 [ -S "$ROOT_DIRECTORY/dev/log" ]
}

send_to_joe() {
	python3 - "$port" <<-'EOF'
	import smtplib, sys
	with smtplib.SMTP('127.0.0.1', int(sys.argv[1]), 'client.example', timeout=20) as client:
	    print(client.ehlo()[1].decode().split('\n')[0])
	    client.sendmail('sender@client.example', ['joe@inside.example'],
	        'Subject: inside\n\nThe text.\nFrom here on nothing.\n')
	EOF
}

# assert_joe_has_it: in the root directory, as his, and readable by Python's mailbox module
assert_joe_has_it() {
	assertEquals 'owner and mode' '20001:8 660' \
	    "$(stat -c '%u:%g %a' "$ROOT_DIRECTORY/var/mail/joe")"
	python3 - "$ROOT_DIRECTORY/var/mail/joe" <<-'EOF' || fail 'it is not there'
	import mailbox, sys
	one, = mailbox.mbox(sys.argv[1], create=False)
	assert one['Subject'] == 'inside', one
	assert one.get_payload() == 'The text.\n>From here on nothing.\n', one
	assert 'by inside.example' in one['Received'], one
	EOF
	assertEquals 'left in its var/tmp' '' "$(ls -A "$ROOT_DIRECTORY/var/tmp")"
}

test_what_is_laid_out_is_this_and_no_more() {
	need_root || return 0
	lay_out || fail 'it fails'
	(cd "$ROOT_DIRECTORY" && find . ! -path ./etc/localtime -exec stat -c '%A %u:%g %n' {} +) |
	    LC_ALL=C sort -k 3 >"$SCRATCH/there"
	diff - "$SCRATCH/there" <<-'EOF' || fail 'there is something else'
	drwxr-xr-x 0:0 .
	drwxr-xr-x 0:0 ./dev
	drwxr-xr-x 0:0 ./etc
	-rw-r--r-- 0:0 ./etc/in.smtpd.conf
	-rw-r--r-- 0:0 ./etc/passwd
	drwxr-xr-x 0:0 ./sbin
	-rwxr-xr-x 0:0 ./sbin/in.smtpd
	drwxr-xr-x 0:0 ./var
	drwxrwsr-x 0:8 ./var/mail
	drwx------ 0:0 ./var/tmp
	EOF
	assertEquals 'users' 'root:x:0:8:root:/: joe:x:20001:8:Joe' \
	    "$(head -n 2 "$ROOT_DIRECTORY/etc/passwd" | cut -d ' ' -f 1 | xargs)"
	assertEquals 'how many' 5 "$(wc -l <"$ROOT_DIRECTORY/etc/passwd")"
	assertFalse 'a shell or home' "grep -E '/bin/|$HOMES' '$ROOT_DIRECTORY/etc/passwd'"
}

test_a_second_time_renews_users_and_program_and_keeps_mail_and_settings() {
	need_root || return 0
	lay_out
	echo 'min-uid 1' >>"$ROOT_DIRECTORY/etc/in.smtpd.conf"
	echo 'old mail' >"$ROOT_DIRECTORY/var/mail/ann"
	ln -s /etc/shadow "$ROOT_DIRECTORY/var/mail/jane"
	_owner=$(stat -c %u:%a /etc/shadow)
	echo other >"$ROOT_DIRECTORY/var/other"
	ln "$ROOT_DIRECTORY/var/other" "$ROOT_DIRECTORY/var/mail/jsmith"
	make_root -b "$BIN" -u 20001-20004 "$ROOT_DIRECTORY" || fail 'it fails'
	assertEquals 'settings' 'hostname inside.example min-uid 1' \
	    "$(grep -v '^user ' "$ROOT_DIRECTORY/etc/in.smtpd.conf" | xargs)"
	assertEquals 'the mailbox' '20002:8 660 old mail' "$(stat -c '%u:%g %a' \
	    "$ROOT_DIRECTORY/var/mail/ann") $(cat "$ROOT_DIRECTORY/var/mail/ann")"
	assertEquals 'what a link points at' "$_owner" "$(stat -c %u:%a /etc/shadow)"
	assertEquals 'what has another name' 0:644 "$(stat -c %u:%a "$ROOT_DIRECTORY/var/other")"
}

test_users_may_be_named() {
	need_root || return 0
	rm -rf "$ROOT_DIRECTORY"
	make_root -b "$BIN" "$ROOT_DIRECTORY" ann joe || fail 'it fails'
	assertEquals 'joe ann' "$(cut -d : -f 1 "$ROOT_DIRECTORY/etc/passwd" | xargs)"
	said=$(make_root -b "$BIN" "$ROOT_DIRECTORY" ann somebody 2>&1)
	assertNotEquals 'exit status' 0 $?
	assertEquals 'make-root: there is no user somebody' "$said"
	assertEquals 'joe ann' "$(cut -d : -f 1 "$ROOT_DIRECTORY/etc/passwd" | xargs)"
}

# breaks COMMAND PATTERN: after that, the check fails and a line of it matches
breaks() {
	lay_out
	start_syslogd
	(cd "$ROOT_DIRECTORY" && eval "$1")
	said=$(make_root -c "$ROOT_DIRECTORY")
	assertNotEquals "exit status after $1" 0 $?
	echo "$said" | grep -q "$2" || fail "after $1: $said"
	tearDown
}

test_the_check_tells_what_is_wrong() {
	need_root || return 0
	lay_out
	start_syslogd
	said=$(make_root -c "$ROOT_DIRECTORY" 2>&1)
	assertEquals "exit status; $said" 0 $?
	assertNull 'what it says' "$said"
	tearDown
	breaks 'chmod 777 etc' 'root/etc: .* mode 755'
	breaks 'chown 20001 .' 'root: .* of root'
	breaks 'chmod 755 var/mail' 'root/var/mail: .* mode 2775'
	breaks 'chgrp 20001 var/mail' 'root/var/mail: .* group'
	breaks 'chmod 1777 var/tmp' 'root/var/tmp: .* mode 700'
	breaks 'chmod 4755 sbin/in.smtpd' 'root/sbin/in.smtpd: .* mode 755'
	breaks 'cp /bin/sh sbin' "$ROOT_DIRECTORY/sbin/sh"
	breaks 'mknod dev/null c 1 3' "$ROOT_DIRECTORY/dev/null"
	breaks 'rm dev/log' 'root/sbin/in.smtpd: .*there is no /dev/log'
	breaks 'cp /bin/sh sbin/in.smtpd' 'root/sbin/in.smtpd: .* static'
	breaks 'sed -i s/:x:/:secret:/ etc/passwd' 'root/etc/passwd: joe has a password'
	breaks 'touch var/mail/somebody' 'root/var/mail/somebody: no user'
	breaks 'touch var/mail/joe' 'root/var/mail/joe: .* uid 20001'
	breaks 'touch var/mail/joe; chown 20001 var/mail/joe; chmod 666 var/mail/joe' 'mode 660'
	breaks 'ln -s ann var/mail/joe' 'root/var/mail/joe: .* uid 20001'
	breaks 'echo nonsense >>etc/in.smtpd.conf' 'root/sbin/in.smtpd: .*in.smtpd.conf line'
}

test_only_root_can_lay_it_out() {
	_as=''
	[ -z "$ROOT" ] || _as='setpriv --reuid 20001 --regid 20001 --clear-groups'
	# shellcheck disable=SC2086  # words
	said=$($_as sh "$EXAMPLE/make-root" /tmp/in.smtpd-no-root 2>&1)
	assertNotEquals 'exit status' 0 $?
	assertEquals 'make-root: only root can do this' "$said"
	assertFalse "[ -e /tmp/in.smtpd-no-root ]"
}

test_a_program_that_needs_libraries_is_refused() {
	need_root || return 0
	rm -rf "$ROOT_DIRECTORY"
	said=$(make_root -b /bin/sh "$ROOT_DIRECTORY" 2>&1)
	assertNotEquals 'exit status' 0 $?
	assertEquals 'make-root: /bin/sh does not run without libraries: it has to be a static one' \
	    "$said"
	assertFalse 'it stays' "[ -e '$ROOT_DIRECTORY/sbin/in.smtpd' ]"
}

# By the README's own line.
test_by_chroot_a_delivery_happens_inside_and_is_in_the_system_log() {
	need_root && need tcpserver || return 0
	lay_out
	start_syslogd
	# shellcheck disable=SC2016,SC2046  # for eval; words
	serve eval exec $(sed -n "/^tcpserver/s| 0 25 chroot /srv/smtp| 127.0.0.1 \$port chroot $ROOT_DIRECTORY|p" \
	    "$EXAMPLE/README")
	assertEquals 'hostname' 'inside.example' "$(send_to_joe)" || cat "$LOG"
	assert_joe_has_it
	within 3 grep -q 'disconnect' "$SCRATCH/syslog"
	assertEquals 'lines for delivered, accepted, disconnect' 3 \
	    "$(grep -c 'in.smtpd\[.*\(delivered message=.* to=<joe>\|accepted\|disconnect\)' \
	        "$SCRATCH/syslog")" || cat "$SCRATCH/syslog"
	assertEquals 'said otherwise' '' "$(cat "$LOG")"
	said=$(make_root -c "$ROOT_DIRECTORY" 2>&1)
	assertEquals "afterwards it is as it should be; $said" 0 $?
}

# The program comes from outside, and so can be any.
test_by_the_setting_everything_happens_below_the_root() {
	need_root && need tcpsvd || return 0
	if is_static; then
		lay_out
	else
		rm -rf "$ROOT_DIRECTORY"
		mkdir -p "$ROOT_DIRECTORY/etc" "$ROOT_DIRECTORY/var/mail" "$ROOT_DIRECTORY/var/tmp"
		chmod 2775 "$ROOT_DIRECTORY/var/mail"
		chown 0:8 "$ROOT_DIRECTORY/var/mail"
		cp "$PASSWD" "$ROOT_DIRECTORY/etc/passwd"
	fi
	printf 'chroot %s\nhostname inside.example\nlog stderr\n' "$ROOT_DIRECTORY" >"$SCRATCH/conf"
	# shellcheck disable=SC2016  # for eval
	serve eval exec tcpsvd -E -l localhost 127.0.0.1 '$port' "$BIN" -f "$SCRATCH/conf"
	assertEquals 'hostname' 'inside.example' "$(send_to_joe)" || cat "$LOG"
	assert_joe_has_it
	assert_log 'delivered message=.* mailbox=/var/mail/joe '
}

# shellcheck disable=SC1091
. shunit2

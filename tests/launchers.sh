#!/bin/sh
# SPDX-License-Identifier: ISC
# Every file under examples/ (but for chroot/) is used as it is, but for the port, the path of the program and who
# runs it: that super-server starts on a free port of 127.0.0.1, every client of Debian sends mail
# through it, and Python's mailbox module finds the message.
# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"

LAUNCHERS='inetd xinetd systemd tcpserver tcpsvd'
CLIENTS='curl msmtp s_nail smtplib swaks'
EXAMPLES=$TESTS/../examples
PACKAGES=$TESTS/../build/packages
PATH=$PATH:/usr/sbin:/sbin
daemon='' why='' PORT=2525

suite() {
	for launcher in $LAUNCHERS; do
		for client in $CLIENTS; do
			eval "test_${client}_through_${launcher}() { mail_through $launcher $client; }"
			suite_addTest "test_${client}_through_$launcher"
		done
	done
	suite_addTest test_the_systemd_units_are_valid
	suite_addTest test_the_exposure_of_the_systemd_unit_is_low
	suite_addTest test_what_stands_in_for_systemd_refuses_what_the_unit_forbids
	suite_addTest test_by_the_systemd_unit_a_hundred_get_a_long_message
	suite_addTest test_by_systemd_itself_the_units_deliver
	suite_addTest test_xinetd_and_tcpserver_limit_each_process_as_the_examples_say
	suite_addTest test_every_example_is_tried_here
}

tearDown() {
	stop
}

# The program under the name that the examples have for it.  Where the log is a super-server's
# syslog it goes to the same file as that of the others.
# The program is copied, since some launchers have a /tmp of their own, and the tree may be there.
_copy=$SCRATCH/build/$(basename "$(dirname "$BIN")")
mkdir -p "$_copy"
cp "$BIN" "$_copy/in.smtpd"
BIN=$_copy/in.smtpd
cat >"$SCRATCH/in.smtpd" <<END
#!/bin/sh
exec "$BIN" $USUAL "\$@" -o log=stderr 2>>"$LOG"
END
chmod 755 "$SCRATCH/in.smtpd"

# The sanitizers reserve more memory than anything has.
case $BIN in
*/asan/*) without_room='/^LimitAS=/d; /rlimit_as/d; /^ulimit -v/d' ;;
*) without_room='' ;;
esac

# our NAME: the file of the examples with our port, path and user in place of its own
our() {
	sed -e "$without_room" -e "s|^ReadWritePaths=/var/mail$|ReadWritePaths=$MAIL $LOG|" \
	    -e "s|/usr/local/sbin/in.smtpd|$SCRATCH/in.smtpd|g" \
	    -e "s/^smtp	/127.0.0.1:$PORT	/" -e 's/	tcp6	/	tcp	/' \
	    -e "s/	root	/	$(id -un)	/" \
	    -e "s/= 25$/= $PORT/" -e "s/= root$/= $(id -un)/" -e '/flags.*= IPv6$/d' \
	    -e "s/=25$/=127.0.0.1:$PORT/" \
	    -e "s/ 0 25 / 127.0.0.1 $PORT /" \
	    "$EXAMPLES/$1"
}

# launch COMMAND...: as a background process
launch() {
	"$@" </dev/null >"$SCRATCH/daemon" 2>&1 &
	daemon=$!
}

# borrowed NAME FILE: puts into $program the one that is laid out in build/packages, or installed
borrowed() {
	program=$PACKAGES/$1/$2
	[ -x "$program" ] || program=/$2
	[ -x "$program" ] || { why="$1 is not there"; return 1; }
}

systemd_library() {
	for _file in "$PACKAGES"/libsystemd-shared/usr/lib/*/systemd/libsystemd-shared-*.so; do
		[ ! -e "$_file" ] || dirname "$_file"
	done
}

# systemd_analyze ARGUMENT...
systemd_analyze() {
	borrowed systemd usr/bin/systemd-analyze || return 1
	LD_LIBRARY_PATH=$(systemd_library) "$program" "$@"
}

# by_the_unit: puts into WRAP what runs a command as the shipped unit says, as far as that can be
# done without systemd; tests/as_unit says how far.
by_the_unit() {
	systemd_analyze syscall-filter --no-pager >"$SCRATCH/sets" || return 1
	our systemd/in.smtpd@.service >"$SCRATCH/unit"
	: >>"$LOG"
	WRAP="python3 $TESTS/as_unit $SCRATCH/unit $SCRATCH/sets $SCRATCH --"
}

start_inetd() {
	borrowed openbsd-inetd usr/sbin/inetd || return 1
	# Its second line would be the same address again.
	our inetd/inetd.conf | sed '/^127/{x;s/^/x/;/^x\{2,\}$/{x;d;};x;}' >"$SCRATCH/inetd.conf"
	launch "$program" -i "$SCRATCH/inetd.conf"
}

start_xinetd() {
	borrowed xinetd usr/sbin/xinetd || return 1
	# As xinetd.d's files are used: one main file includes them.
	printf 'defaults\n{\n\tbind = 127.0.0.1\n}\ninclude %s\n' "$SCRATCH/xinetd.d" \
	    >"$SCRATCH/xinetd.conf"
	our xinetd/in.smtpd >"$SCRATCH/xinetd.d"
	launch "$program" -dontfork -f "$SCRATCH/xinetd.conf" -filelog "$SCRATCH/daemon" \
	    -pidfile "$SCRATCH/xinetd.pid"
}

start_systemd() {
	# What systemd itself would do with the two units, as far as this program goes.
	_listen=$(our systemd/in.smtpd.socket | sed -n 's/^ListenStream=//p')
	grep -q '^Accept=yes$' "$EXAMPLES/systemd/in.smtpd.socket" || fail 'not Accept=yes'
	grep -q '^StandardInput=socket$' "$EXAMPLES/systemd/in.smtpd@.service" ||
		fail 'not StandardInput=socket'
	_command=$(our systemd/in.smtpd@.service | sed -n 's/^ExecStart=-//p')
	if [ -n "$ROOT" ]; then
		by_the_unit || return 1
		_command="$WRAP $_command -o spool=/var/tmp" WRAP=''
	fi
	borrowed systemd usr/bin/systemd-socket-activate || return 1
	# shellcheck disable=SC2046,SC2086  # the command line is several words
	launch env LD_LIBRARY_PATH="$(systemd_library)" "$program" -l "$_listen" -a --inetd \
	    -E LD_LIBRARY_PATH= $_command
}

start_tcpserver() {
	command -v tcpserver >/dev/null || { why='tcpserver is not there'; return 1; }
	our tcpserver/run >"$SCRATCH/run"
	launch sh "$SCRATCH/run"
}

# Debian's busybox lacks this applet; ipsvd's program is where it comes from.
start_tcpsvd() {
	our tcpserver/README | sed -n '/^busybox tcpsvd/p' >"$SCRATCH/run"
	if ! busybox tcpsvd --help 2>&1 | grep -q '^Usage: tcpsvd'; then
		command -v tcpsvd >/dev/null || { why='no tcpsvd is there'; return 1; }
		sed -i 's/^busybox //' "$SCRATCH/run"
	fi
	sed -i 's/^/exec /' "$SCRATCH/run"
	launch sh "$SCRATCH/run"
}

# start LAUNCHER: it answers on $PORT then
start() {
	PORT=$(python3 -c 'import socket
with socket.socket() as s:
	s.bind(("127.0.0.1", 0))
	print(s.getsockname()[1])')
	: >"$LOG"
	"start_$1" || return 1
	# A port in state LISTEN, without disturbing it by a connection.
	within 5 grep -q "$(printf ':%04X 00000000:0000 0A' "$PORT")" /proc/net/tcp && return 0
	cat "$SCRATCH/daemon"
	fail "$1 does not listen on port $PORT"
}

# The processes that have to do with this file's scratch directory.
our_processes() {
	for _process in /proc/[0-9]*; do
		case $(tr '\0' ' ' 2>/dev/null <"$_process/cmdline") in
		*"$SCRATCH"*) echo "${_process#/proc/}" ;;
		esac
	done
}

nothing_of_ours_runs() {
	[ -z "$(our_processes)" ]
}

stop() {
	[ -n "$daemon" ] || return 0
	kill "$daemon" 2>/dev/null
	wait "$daemon" 2>/dev/null
	daemon=''
	within 3 nothing_of_ours_runs && return 0
	for _process in $(our_processes); do
		tr '\0' ' ' <"/proc/$_process/cmdline"
		kill -9 "$_process"
	done
	fail 'processes were left behind'
}

cat >"$SCRATCH/message" <<'END'
From: Sender <sender@client.example>
To: joe@mail.example
Subject: through a super-server
Date: Mon, 23 Nov 2026 02:00:00 +0000
Message-ID: <1@client.example>

The text.
.a line with a dot
From here on nothing.
END

client_curl() {
	need curl || return 77
	curl -sS --max-time 20 --url "smtp://127.0.0.1:$PORT/client.example" \
	    --mail-from sender@client.example --mail-rcpt joe@mail.example \
	    --mail-rcpt ann@mail.example --upload-file "$SCRATCH/message" --crlf
}

client_msmtp() {
	need msmtp || return 77
	msmtp --file=/dev/null --host=127.0.0.1 --port="$PORT" --auth=off --tls=off --timeout=20 \
	    --domain=client.example --from=sender@client.example \
	    joe@mail.example ann@mail.example <"$SCRATCH/message"
}

client_s_nail() {
	need s-nail || return 77
	sed '1,/^$/d' "$SCRATCH/message" |
	    MAILRC=/dev/null HOME=$SCRATCH s-nail -:/ -S v15-compat -S smtp-auth=none \
	        -S mta="smtp://127.0.0.1:$PORT" -S hostname=client.example \
	        -S socket-connect-timeout=20 \
	        -r sender@client.example -s 'through a super-server' joe@mail.example ann@mail.example
}

client_smtplib() {
	python3 -c 'import smtplib, sys
with smtplib.SMTP("127.0.0.1", int(sys.argv[1]), "client.example", timeout=20) as client:
	client.sendmail("sender@client.example", ["joe@mail.example", "ann@mail.example"],
	    open(sys.argv[2]).read())' "$PORT" "$SCRATCH/message"
}

client_swaks() {
	need swaks || return 77
	swaks --silent 2 --server "127.0.0.1:$PORT" --helo client.example --timeout 20 \
	    --from sender@client.example --to joe@mail.example,ann@mail.example \
	    --data - <"$SCRATCH/message"
}

# check_message USER: prints what is wrong with the only message in his mailbox
check_message() {
	python3 - "$MAIL/$1" <<'END'
import mailbox, re, sys

box = list(mailbox.mbox(sys.argv[1], create=False))
if len(box) != 1:
    sys.exit(f'{len(box)} messages')
message = box[0]
if not message.get_from().startswith('sender@client.example '):
    print('From_:', message.get_from())
if message['Subject'] != 'through a super-server':
    print('Subject:', message['Subject'])
if message.get_all('Return-Path') != ['<sender@client.example>']:
    print('Return-Path:', message.get_all('Return-Path'))
received = message.get_all('Received') or ['none']
if not re.match(r'from \S*client\.example \(.*\[127\.0\.0\.1\]\)\s+by mail\.example', received[0]):
    print('Received:', received)
# The From line of the text was quoted, by us or, otherwise, by the client.
text = message.get_payload(decode=True).replace(b'\n>From ', b'\nFrom ')
if text.strip() != b'The text.\n.a line with a dot\nFrom here on nothing.':
    print('text:', text)
END
}

mail_through() {
	start "$1" || { [ -z "$why" ] || skip "$why"; return 0; }
	"client_$2" 2>&1
	_status=$?
	[ $_status -ne 77 ] || return 0
	assertEquals "exit status of $2" 0 $_status || { cat "$LOG" "$SCRATCH/daemon"; return 1; }
	assertEquals 'joe got' '' "$(check_message joe 2>&1)"
	assertEquals 'ann got' '' "$(check_message ann 2>&1)"
	assert_log 'client=.*127\.0\.0\.1'
	cat "$LOG" "$SCRATCH/daemon"
	stop
}

test_the_systemd_units_are_valid() {
	borrowed systemd usr/bin/systemd-analyze || { skip "$why"; return; }
	mkdir -p "$SCRATCH/units"
	for unit in in.smtpd.socket in.smtpd@.service; do
		our "systemd/$unit" >"$SCRATCH/units/$unit"
	done
	said=$(LD_LIBRARY_PATH=$(systemd_library) SYSTEMD_UNIT_PATH="$SCRATCH/units:" \
	    "$program" verify --man=no --recursive-errors=no "$SCRATCH/units/in.smtpd.socket" \
	    "$SCRATCH/units/in.smtpd@.service" 2>&1)
	assertEquals "exit status; $said" 0 $?
	assertNull 'findings' "$said"
}

test_the_exposure_of_the_systemd_unit_is_low() {
	cp "$EXAMPLES/systemd/in.smtpd@.service" "$SCRATCH"
	said=$(systemd_analyze security --offline=yes --threshold=15 --no-pager \
	    "$SCRATCH/in.smtpd@.service" 2>&1)
	_status=$?
	[ -z "$why" ] || { skip "$why"; return; }
	echo "$said" | tail -n 1
	assertEquals 'exit status' 0 $_status || { echo "$said"; return; }
	case $said in *'Overall exposure level for'*) ;; *) fail "$said" ;; esac
}

# Or nothing would be shown by deliveries through it.
test_what_stands_in_for_systemd_refuses_what_the_unit_forbids() {
	need_root && need /usr/bin/python3 || return 0
	by_the_unit || { skip "$why"; return; }
	cat >"$SCRATCH/probe" <<-'EOF'
	import os, socket, sys
	def tries(what, attempt, *arguments):
	    try:
	        attempt(*arguments)
	        print(what)
	    except OSError:
	        pass
	mail, scratch = sys.argv[1:]
	tries('writes mail', open, mail + '/probe', 'w')
	tries('writes its own /var/tmp', open, '/var/tmp/probe', 'w')
	for path in '/etc', '/usr', '/var', '/dev', scratch:
	    tries('writes in ' + path, open, path + '/in.smtpd-probe', 'w')
	tries('sees homes', os.listdir, '/root')
	tries('sees more of /proc than processes', os.stat, '/proc/meminfo')
	tries('sees devices', os.stat, '/dev/tty')
	tries('has the network', socket.socket, socket.AF_INET, socket.SOCK_STREAM)
	tries('has netlink', socket.socket, socket.AF_NETLINK, socket.SOCK_RAW)
	tries('has local sockets', socket.socket, socket.AF_UNIX, socket.SOCK_DGRAM)
	tries('gives files away', os.chown, mail + '/probe', 1, 1)
	tries('makes devices', os.mknod, mail + '/device', 0o20666, os.makedev(1, 3))
	tries('may take the processor', os.sched_setscheduler, 0, os.SCHED_BATCH, os.sched_param(0))
	print(oct(os.umask(0)))
	EOF
	assertEquals 'writes mail,writes its own /var/tmp,has local sockets,0o77' \
	    "$($WRAP /usr/bin/python3 "$SCRATCH/probe" "$MAIL" "$SCRATCH" 2>&1 |
	    tr '\n' ',' | sed 's/,$//')"
	WRAP=''
}

# With mail data in a file of /var/tmp, and a hundred mailboxes open at once.
test_by_the_systemd_unit_a_hundred_get_a_long_message() {
	need_root || return 0
	by_the_unit || { skip "$why"; return; }
	for _n in $(seq 100); do user "u$_n" $((21000 + _n)) "User $_n"; done >>"$PASSWD"
	{
		printf 'S: 220 *\nC: EHLO client.example\nS+ 250?*\nC: MAIL FROM:<>\nS: 250 *\n'
		for _n in $(seq 100); do printf 'C: RCPT TO:<u%s@mail.example>\nS: 250 *\n' "$_n"; done
		printf 'C: DATA\nS: 354 *\nC: Subject: long\nC:\n'
		seq 6500 | sed 's/^/C: a line, of which there are very many, number /'
		printf 'C: .\nS: 250 *\nC: QUIT\nS: 221 *\nEND\n'
	} | talk -a -o spool=/var/tmp
	WRAP=''
	assertEquals 100 "$(find "$MAIL" -name 'u*' -size +300k | wc -l)"
}

# limits_through LAUNCHER: puts into $limits how nice the two processes of a session are, and
# whether they have 64 MB of address space at most
limits_through() {
	start "$1" || { [ -z "$why" ] || skip "$why"; return 1; }
	limits=$(python3 - "$PORT" "$BIN" "$SCRATCH" <<-'EOF'
	import os, re, socket, sys
	port, program, ours = sys.argv[1:]
	def text_of(process, name):
	    try:
	        with open(f'/proc/{process}/{name}') as file:
	            return file.read()
	    except OSError:
	        return ''
	with socket.create_connection(('127.0.0.1', int(port)), timeout=20) as client:
	    client.recv(100)
	    for process in filter(str.isdigit, os.listdir('/proc')):
	        command = text_of(process, 'cmdline')
	        if not command.startswith(program + '\0') or ours not in command:
	            continue
	        room = re.findall(r'Max address space +(\d+) ', text_of(process, 'limits'))
	        print(os.getpriority(os.PRIO_PROCESS, int(process)),
	              'small' if room and int(room[0]) <= 64 << 20 else 'any')
	EOF
	)
	stop
}

test_xinetd_and_tcpserver_limit_each_process_as_the_examples_say() {
	room=small
	[ -z "$without_room" ] || room=any
	limits_through xinetd || return 0
	assertEquals 'through xinetd' "5 $room,5 $room" "$(echo "$limits" | paste -s -d ,)"
	limits_through tcpserver || return 0
	assertEquals 'through tcpserver' "0 $room,0 $room" "$(echo "$limits" | paste -s -d ,)"
}

# tests/chroot.sh tries that one.
test_by_systemd_itself_the_units_deliver() {
	need_root || return 0
	{ borrowed systemd lib/systemd/systemd && need /usr/bin/python3; } || { skip "$why"; return; }
	rm -rf "$SCRATCH/units" "$SCRATCH/out"
	mkdir -p "$SCRATCH/units"
	# There is no journal, and nothing else to wait for.
	for unit in in.smtpd.socket in.smtpd@.service; do
		sed -e "$without_room" -e 's/^\[Unit\]$/&\nDefaultDependencies=no/' \
		    -e 's|^StandardError=journal|StandardError=append:/run/out/log|' \
		    "$EXAMPLES/systemd/$unit" >"$SCRATCH/units/$unit"
	done
	printf 'hostname mail.example\n' >"$SCRATCH/conf"
	cat >"$SCRATCH/script" <<-'EOF'
	/usr/bin/python3 -c 'import fcntl, socket, struct
	with socket.socket() as s:	# the loopback goes up
	    fcntl.ioctl(s, 0x8914, struct.pack("16sh", b"lo", 1))'
	/usr/bin/python3 -c 'import smtplib, sys
	with smtplib.SMTP("127.0.0.1", 25, "client.example", timeout=20) as client:
	    client.sendmail("sender@client.example", ["joe@mail.example", "ann@mail.example"],
	        open("/run/out/message").read())'
	cp -p /var/mail/* /run/out/
	touch /run/out/done
	EOF
	mkdir "$SCRATCH/out"
	cp "$SCRATCH/message" "$SCRATCH/out"
	sh "$TESTS/under_systemd" "$SCRATCH" "$PACKAGES" "$BIN" "$SCRATCH/script"
	_status=$?
	[ $_status -ne 77 ] || { skip 'systemd cannot start here'; return; }
	assertEquals 'exit status' 0 $_status
	cat "$SCRATCH/out/said" "$SCRATCH/out/log"
	cp -p "$SCRATCH/out/joe" "$SCRATCH/out/ann" "$MAIL"
	assertEquals 'joe got' '' "$(check_message joe 2>&1)"
	assertEquals 'ann got' '' "$(check_message ann 2>&1)"
	assertEquals 'owner and mode' '20001:8 660' "$(stat -c '%u:%g %a' "$SCRATCH/out/joe")"
	rm -rf "$SCRATCH/systemd"
}

test_every_example_is_tried_here() {
	assertEquals 'inetd/README inetd/inetd.conf systemd/README systemd/in.smtpd.socket'\
' systemd/in.smtpd@.service tcpserver/README tcpserver/run xinetd/README xinetd/in.smtpd' \
	    "$(cd "$EXAMPLES" && find . -type f ! -path './chroot/*' | sed 's|^\./||' |
	        LC_ALL=C sort | xargs)"
}

# shellcheck disable=SC1091
. shunit2

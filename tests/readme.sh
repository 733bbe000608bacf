#!/bin/sh
# SPDX-License-Identifier: ISC
# The README's commands: whoever does what it says gets what it says, and can take it away again.
# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"

TREE=$(cd "$TESTS/.." && pwd)
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

# A copy of what `make` and `make install` read, with the program under test as the one that was
# made; it is not made anew (-o).
copy_tree() {
	rm -rf "$SCRATCH/tree"
	mkdir "$SCRATCH/tree"
	cp -R "$TREE"/*.c "$TREE"/*.h "$TREE"/Makefile "$TREE"/README "$TREE"/LICENSE "$TREE"/doc \
	    "$TREE"/examples "$SCRATCH/tree"
	cp "$BIN" "$SCRATCH/tree/in.smtpd"
}

make_here() {
	make -s -C "$SCRATCH/tree" -o in.smtpd "$@" >"$SCRATCH/made" 2>&1
	assertEquals "make $*: $(cat "$SCRATCH/made")" 0 $?
}

# What is below a directory, but for directories.
files_below() {
	(cd "$1" && find . ! -type d | sed 's|^\./||' | LC_ALL=C sort)
}

test_install_puts_all_below_the_prefix_and_uninstall_takes_it_away() {
	need make || return 0
	copy_tree
	{
		echo sbin/in.smtpd
		printf 'share/doc/in.smtpd/%s\n' LICENSE README SECURITY
		files_below "$TREE/examples" | sed 's|^|share/doc/in.smtpd/examples/|'
		printf 'share/man/%s\n' man5/in.smtpd.conf.5 man8/in.smtpd.8
	} >"$SCRATCH/wanted"
	for prefix in /usr/local /usr '/opt/mail things'; do
		root="$SCRATCH/a root"
		rm -rf "$root"
		mkdir -p "$root$prefix/sbin" "$root/etc"
		echo 'somebody else' >"$root$prefix/sbin/other"
		make_here install DESTDIR="$root" PREFIX="$prefix"
		files_below "$root$prefix" | sed '/^sbin.other$/d' | diff "$SCRATCH/wanted" - ||
			fail "below $prefix there is something else"
		assertEquals 'elsewhere, as in etc' "$(files_below "$root$prefix" | wc -l)" \
		    "$(files_below "$root" | wc -l)"
		strip -o "$SCRATCH/stripped" "$BIN"
		cmp "$SCRATCH/stripped" "$root$prefix/sbin/in.smtpd" || fail 'it is another program'
		assertEquals 'modes' '755 644' "$(stat -c %a "$root$prefix/sbin/in.smtpd" \
		    "$root$prefix/share/man/man8/in.smtpd.8" | xargs)"
		make_here uninstall DESTDIR="$root" PREFIX="$prefix"
		assertEquals 'what stays' "${prefix#/}/sbin/other" "$(files_below "$root")"
		assertFalse 'our directory stays' "[ -e '$root$prefix/share/doc/in.smtpd' ]"
	done
}

test_a_second_install_replaces_the_first() {
	need make || return 0
	copy_tree
	make_here install DESTDIR="$SCRATCH/again" PREFIX=/usr
	files_below "$SCRATCH/again" >"$SCRATCH/first"
	make_here install DESTDIR="$SCRATCH/again" PREFIX=/usr
	files_below "$SCRATCH/again" | diff "$SCRATCH/first" - || fail 'there is more now'
}

# A compiler that finds no header at all does not find lockfile.h.
test_without_liblockfile_make_says_in_one_line_what_to_install() {
	need make && need cc || return 0
	copy_tree
	rm "$SCRATCH/tree/in.smtpd"
	make -C "$SCRATCH/tree" CPPFLAGS=-nostdinc >"$SCRATCH/said" 2>&1
	assertNotEquals 'exit status' 0 $?
	# What remains are make's own words.
	grep -Ev '^make(\[[0-9]+\])?: ' "$SCRATCH/said" >"$SCRATCH/words"
	assertEquals "lines: $(cat "$SCRATCH/words")" 1 "$(wc -l <"$SCRATCH/words")"
	assertTrue "$(cat "$SCRATCH/words")" "grep -q 'install liblockfile-dev' '$SCRATCH/words'"
}

# make_program ARGUMENT...: from the copy of the tree, with no warnings and no debugging, to save time
make_program() {
	copy_tree
	rm "$SCRATCH/tree/in.smtpd"
	make -s -C "$SCRATCH/tree" CFLAGS=-O0 WARN='-std=c11 -D_GNU_SOURCE -w' "$@" \
	    >"$SCRATCH/said" 2>&1
	assertEquals "make $*: $(cat "$SCRATCH/said")" 0 $?
	grep -v '^  [A-Z]' "$SCRATCH/said" >"$SCRATCH/words"
	readelf -lW "$SCRATCH/tree/in.smtpd" | sed -n 's/.*program interpreter: \(.*\)\]/\1/p' \
	    >"$SCRATCH/interpreter"
}

test_make_makes_a_static_program_where_musl_is_there() {
	need make && need musl-gcc || return 0
	make_program
	assertEquals 'words' '' "$(cat "$SCRATCH/words")"
	assertEquals 'interpreter' '' "$(cat "$SCRATCH/interpreter")"
	cmp "$SCRATCH/tree/build/musl/in.smtpd" "$SCRATCH/tree/in.smtpd" || fail 'it is another'
}

test_make_without_musl_makes_a_shared_one_and_says_so_in_one_line() {
	need make || return 0
	make_program MUSL_CC=/nonexistent/musl-gcc
	assertEquals 'lines' 1 "$(wc -l <"$SCRATCH/words")"
	assertTrue "$(cat "$SCRATCH/words")" "grep -q 'musl-tools' '$SCRATCH/words'"
	assertTrue 'interpreter' "[ -s '$SCRATCH/interpreter' ]"
}

test_make_takes_the_compiler_that_it_is_given_and_says_nothing() {
	need make && need gcc || return 0
	make_program CC=gcc
	assertEquals 'words' '' "$(cat "$SCRATCH/words")"
	assertTrue 'interpreter' "[ -s '$SCRATCH/interpreter' ]"
}

# path_without COMMAND...: a directory with links to all of the system's commands but these.
path_without() {
	rm -rf "$SCRATCH/path"
	mkdir "$SCRATCH/path"
	ln -s /usr/bin/* /bin/* "$SCRATCH/path" 2>/dev/null
	for _command; do rm -f "$SCRATCH/path/$_command"; done
}

# say_what_is_missing COMMAND...: what tests/packages says, run by that command, where curl is not
# there and nothing can be installed.
say_what_is_missing() {
	cp -R "$TESTS" "$SCRATCH/tree"
	"$@" sh "$SCRATCH/tree/tests/packages" demo >"$SCRATCH/said" 2>&1
	assertEquals "it goes on: $(cat "$SCRATCH/said")" 0 $?
	assertEquals 'lines' 1 "$(wc -l <"$SCRATCH/said")"
	assertTrue "$(cat "$SCRATCH/said")" "grep -q 'please install:.* curl' '$SCRATCH/said'"
}

test_where_there_is_no_apt_one_line_says_what_to_install() {
	copy_tree
	path_without apt-get curl
	say_what_is_missing env PATH="$SCRATCH/path"
	assertTrue "$(cat "$SCRATCH/said")" "grep -q 'no apt' '$SCRATCH/said'"
}

test_an_ordinary_user_without_sudo_is_told_in_one_line_what_to_install() {
	copy_tree
	path_without sudo apt-get curl
	# Whatever it is, it is not asked.
	printf '#!/bin/sh\nexit 1\n' >"$SCRATCH/path/apt-get"
	chmod 755 "$SCRATCH/path/apt-get"
	if [ -n "$ROOT" ]; then
		need setpriv || return 0
		say_what_is_missing setpriv --reuid 20001 --regid 20001 --clear-groups \
		    env PATH="$SCRATCH/path"
	else
		say_what_is_missing env PATH="$SCRATCH/path"
	fi
	assertTrue "$(cat "$SCRATCH/said")" "grep -q 'Only root' '$SCRATCH/said'"
}

# demo [WRAPPER...]: in a copy of the tree; it must leave nothing behind.
demo() {
	need tcpsvd && need curl || return 0
	copy_tree
	mkdir "$SCRATCH/tree/tests" "$SCRATCH/demo"
	cp "$TESTS/demo" "$SCRATCH/tree/tests"
	chmod 1777 "$SCRATCH/demo"
	TMPDIR=$SCRATCH/demo timeout 60 "$@" "$SCRATCH/tree/tests/demo" >"$SCRATCH/shown" 2>&1
	assertEquals "exit status; $(cat "$SCRATCH/shown")" 0 $?
	assertEquals 'left behind' '' "$(ls -A "$SCRATCH/demo")"
	assertFalse 'the super-server runs on' "grep -sq '$SCRATCH/demo' /proc/[0-9]*/cmdline"
	rmdir "$SCRATCH/demo"
	for _what in 'tcpsvd -E' 'RCPT TO:<info@device.example>' '250 2.6.0 Delivered as' \
	    'delivered message=' '>From here to there' 'Return-Path: <you@client.example>'; do
		assertTrue "it does not show $_what" "grep -qF '$_what' '$SCRATCH/shown'"
	done
}

test_the_demo_shows_the_dialogue_the_log_and_the_mailbox_and_leaves_nothing() {
	demo env
}

test_the_demo_is_for_ordinary_users_too() {
	need_root && need setpriv || return 0
	demo setpriv --reuid 20001 --regid 20001 --clear-groups
}

test_a_demo_that_fails_says_so() {
	need tcpsvd && need curl || return 0
	copy_tree
	mkdir "$SCRATCH/tree/tests"
	cp "$TESTS/demo" "$SCRATCH/tree/tests"
	printf '#!/bin/sh\necho 421 no\n' >"$SCRATCH/tree/in.smtpd"
	TMPDIR=$SCRATCH timeout 60 "$SCRATCH/tree/tests/demo" >"$SCRATCH/shown" 2>&1
	assertNotEquals "exit status; $(cat "$SCRATCH/shown")" 0 $?
	assertEquals 'left behind' '' "$(find "$SCRATCH" -name 'in.smtpd-demo*')"
}

# The README's line for tcpsvd is the one of the examples, which tests/launchers.sh uses.
test_the_readmes_tcpsvd_line_is_the_examples() {
	line=$(sed -n 's/^ *tcpsvd  *\(tcpsvd -E .*\)/\1/p' "$TREE/README")
	assertNotNull 'a line' "$line"
	assertTrue "$line" "grep -qx 'busybox $line' '$TREE/examples/tcpserver/README'"
}

# In a scratch root, so that this host's own accounts stay as they are.
test_the_readmes_useradd_makes_a_user_for_the_sessions() {
	need_root && need useradd || return 0
	command=$(sed -n 's/^ *\(useradd .*\)/\1/p' "$TREE/README")
	assertNotNull 'a command' "$command"
	mkdir -p "$SCRATCH/host/etc"
	printf 'root:x:0:0:root:/root:/bin/sh\njoe:x:20001:8:Joe:%s:/bin/sh\n' "$HOMES/joe" \
	    >"$SCRATCH/host/etc/passwd"
	printf 'root:x:0:\nmail:x:8:\n' >"$SCRATCH/host/etc/group"
	: >"$SCRATCH/host/etc/shadow"
	# shellcheck disable=SC2086  # words
	${command%% *} --prefix "$SCRATCH/host" ${command#* } >"$SCRATCH/said" 2>&1
	assertTrue "$(cat "$SCRATCH/said")" "grep -q '^smtpd:' '$SCRATCH/host/etc/passwd'"
	_uid=$(sed -n 's/^smtpd:x:\([0-9]*\):.*/\1/p' "$SCRATCH/host/etc/passwd")
	cat >"$SCRATCH/session-is" <<-'EOF'
	[ "$(stat -c %u "/proc/$SERVER")" = "$1" ]
	EOF
	talk -o passwd="$SCRATCH/host/etc/passwd" <<-EOF
	S: 220 *
	RUN sh "\$SCRATCH/session-is" "$_uid"
	C: QUIT
	S: 221 *
	END
	EOF
}

test_the_readmes_curl_command_delivers() {
	need tcpsvd && need curl || return 0
	port=$(python3 -c 'import socket
with socket.socket() as s:
	s.bind(("127.0.0.1", 0))
	print(s.getsockname()[1])')
	# shellcheck disable=SC2086  # many words
	tcpsvd -E -l localhost 127.0.0.1 "$port" "$BIN" $USUAL </dev/null 2>"$LOG" &
	server=$!
	within 5 grep -q "$(printf ':%04X 00000000:0000 0A' "$port")" /proc/net/tcp
	command=$(sed -n "s|^ *curl smtp://localhost |curl -sS --max-time 20 smtp://127.0.0.1:$port |p" \
	    "$TREE/README")
	assertNotNull 'a command' "$command"
	# The shell takes the quotes away.
	(cd "$TREE" && eval "$command") || fail "$command"
	kill $server
	wait $server 2>/dev/null
	assertEquals 'messages for root' 1 "$(mailbox_messages root)"
	assertTrue 'it is the README' "grep -q 'an SMTP receiver for super-servers' '$MAIL/root'"
}

# What a printer is told to do; joe@[address] needs no setting.
test_a_recipient_at_the_address_of_this_host_needs_no_setting() {
	talk -o domains=elsewhere.example <<-'EOF'
	S: 220 *
	C: HELO printer
	S: 250 *
	C: MAIL FROM: printer@localhost
	S: 250 *
	C: RCPT TO: joe@[127.0.0.1]
	S: 250 *
	C: DATA
	S: 354 *
	C: Subject: scan
	C: .
	S: 250 2.6.0 *
	MBOX joe 1
	EOF
}

# shellcheck disable=SC1091
. shunit2

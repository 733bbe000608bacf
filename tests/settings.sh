#!/bin/sh
# SPDX-License-Identifier: ISC
# Settings: the file, -o, what -t -V and -h print, and what a wrong one does.
# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"

# What the design promises, from a list of the test's own.
cat >"$SCRATCH/defaults" <<'EOF2'
passwd /etc/passwd
min-uid 0
aliases /etc/aliases
mailbox /var/mail/%u
spool /var/tmp
chroot none
message-size-limit 52428800
mailbox-size-limit 0
recipient-limit 100
transaction-limit 1000
recipient-delimiter +
command-timeout 300
data-timeout 600
session-timeout 3600
lock-timeout 30
error-limit 100
error-delay 1
pregreet log
vrfy yes
expn yes
terminals no
utmp /run/utmp
bare-newline reject
protocol smtp
log syslog
EOF2

# An empty file instead of the one in /etc, whatever this machine has there.
: >"$SCRATCH/empty"

test_t_prints_every_setting_with_its_default() {
	"$BIN" -f "$SCRATCH/empty" -t >"$SCRATCH/printed" 2>/dev/null
	while read -r line; do
		assertTrue "$line" "grep -qxF '$line' '$SCRATCH/printed'"
	done <"$SCRATCH/defaults"
	for name in hostname domains user; do
		assertTrue "$name" "grep -q '^$name ..*' '$SCRATCH/printed'"
	done
}

test_h_lists_every_setting_with_its_default() {
	"$BIN" -h >"$SCRATCH/help" 2>&1
	assertEquals 'exit status' 0 $?
	"$BIN" -f "$SCRATCH/empty" -t 2>/dev/null | sed '/^#/d; s/ .*//' >"$SCRATCH/names"
	assertTrue 'names' "[ $(wc -l <"$SCRATCH/names") -ge 20 ]"
	while read -r name; do
		assertTrue "$name" "grep -Eq '^ *$name +[^ ]+ +[^ ]' '$SCRATCH/help'"
	done <"$SCRATCH/names"
	for line in 'mailbox .*/var/mail/%u' 'message-size-limit .*50M' 'command-timeout .*5m' \
	    'data-timeout .*10m' 'session-timeout .*1h' 'lock-timeout .*30s' 'user .*smtpd.*nobody'
	do
		assertTrue "$line" "grep -q '^ *$line' '$SCRATCH/help'"
	done
}

test_what_t_prints_fed_back_prints_the_same() {
	for options in '-o log=stderr' \
	    '-o log=none -o vrfy=no -o message-size-limit=3k -o lock-timeout=2m' \
	    '-o log=none -o recipient-delimiter=none -o bare-newline=accept' \
	    '-o log=none -o hostname=a.example -o domains=a.example,b.example -o session-timeout=1d'; do
		# shellcheck disable=SC2086
		"$BIN" -f "$SCRATCH/empty" $options -t >"$SCRATCH/once" 2>/dev/null
		"$BIN" -f "$SCRATCH/once" -t >"$SCRATCH/twice" 2>/dev/null
		assertTrue 'it printed something' "[ -s '$SCRATCH/twice' ]"
		cmp "$SCRATCH/once" "$SCRATCH/twice" || fail "with $options"
	done
	assertTrue 'it was set' "grep -qx 'session-timeout 86400' '$SCRATCH/twice'"
}

# expect_setting NAME VALUE ARGUMENT...
expect_setting() {
	_name=$1 _value=$2
	shift 2
	assertEquals "$_name" "$_name $_value" "$("$BIN" "$@" -t 2>&1 | grep "^$_name ")"
}

test_the_file_has_a_name_and_a_value_on_a_line() {
	printf '# comment\n\n  vrfy   no  \n\tdomains\ta.example, b.example\r\n#log none\n' \
	    >"$SCRATCH/file"
	printf 'error-limit 7' >>"$SCRATCH/file"
	expect_setting vrfy no -f "$SCRATCH/file"
	expect_setting domains 'a.example, b.example' -f "$SCRATCH/file"
	expect_setting error-limit 7 -f "$SCRATCH/file"
	expect_setting log syslog -f "$SCRATCH/file"
}

test_the_command_line_wins_wherever_it_stands() {
	echo 'error-limit 7' >"$SCRATCH/file"
	expect_setting error-limit 8 -f "$SCRATCH/file" -o error-limit=8
	expect_setting error-limit 8 -o error-limit=8 -f "$SCRATCH/file"
	expect_setting error-limit 9 -o error-limit=8 -f "$SCRATCH/file" -o error-limit=9
}

test_the_file_rules_a_session() {
	echo 'message-size-limit 4321' >"$SCRATCH/file"
	talk -f "$SCRATCH/file" <<-'EOF'
	S: 220 *
	C: EHLO client.example
	S+ 250?SIZE 4321
	C: QUIT
	S: 221 *
	END
	EOF
}

test_sizes_and_times_have_units() {
	expect_setting message-size-limit 2048 -o message-size-limit=2k
	expect_setting message-size-limit 3145728 -o message-size-limit=3M
	expect_setting mailbox-size-limit 1073741824 -o mailbox-size-limit=1G
	expect_setting lock-timeout 5 -o lock-timeout=5
	expect_setting lock-timeout 5 -o lock-timeout=5s
	expect_setting lock-timeout 120 -o lock-timeout=2m
	expect_setting session-timeout 7200 -o session-timeout=2h
}

test_V_prints_the_version() {
	"$BIN" -V >"$SCRATCH/out" 2>&1
	assertEquals 'exit status' 0 $?
	assertTrue "$(cat "$SCRATCH/out")" "head -n 1 '$SCRATCH/out' | grep -Eq '^in\.smtpd [0-9]'"
}

# refuse_setting ARGUMENT...: a session with it is 421, the log says why, and -t says so, too.
refuse_setting() {
	talk "$@" <<-'EOF' || fail "with $*"
	S: 421 4.3.5 mail.example *
	END
	EOF
	assertTrue "the log has a reason for $*" "[ -s '$LOG' ]"
	"$BIN" "$@" -t >"$SCRATCH/out" 2>"$SCRATCH/err"
	assertNotEquals "exit status of -t with $*" 0 $?
	assertTrue "a reason for $*" "[ -s '$SCRATCH/err' ]"
}

test_an_unknown_name_is_refused_and_named() {
	refuse_setting -o no-such-thing=1
	assert_log 'no-such-thing'
	refuse_setting -o Vrfy
	refuse_setting -o =1
	echo 'no-such-line 1' >"$SCRATCH/file"
	refuse_setting -f "$SCRATCH/file"
	assert_log 'no-such-line'
}

test_bad_values_are_refused() {
	for wrong in message-size-limit= message-size-limit=-1 message-size-limit=1x \
	    message-size-limit=k message-size-limit=18446744073709551616 \
	    message-size-limit=99999999999G message-size-limit=1.5M 'message-size-limit=1 2' \
	    recipient-limit=0 recipient-limit=100000000 recipient-limit=10k \
	    command-timeout=0 command-timeout=-5 command-timeout=1w command-timeout=99999999d \
	    error-limit=many vrfy=maybe vrfy= terminals=on utmp=run/utmp bare-newline=yes log=file hostname=a_b! \
	    hostname= mailbox=relative/%u mailbox=/var/mail/%x passwd=relative passwd= \
	    domains= 'domains=,' 'domains= ,' domains=a..b user= 'user=,' \
	    transaction-limit=1000000 transaction-limit=-1 protocol=esmtp protocol= \
	    recipient-delimiter=++ recipient-delimiter=@ min-uid=99999999999; do
		refuse_setting -o "$wrong"
		assert_log "${wrong%%=*}"
	done
}

test_a_file_that_is_not_there_is_refused() {
	refuse_setting -f "$SCRATCH/no-such-file"
	assert_log 'no-such-file'
	refuse_setting -f "$SCRATCH"
}

test_an_unknown_option_is_refused() {
	talk -x <<-'EOF'
	S: 421 4.3.5 *
	END
	EOF
	talk operand <<-'EOF'
	S: 421 4.3.5 *
	END
	EOF
}

# Classic inetd gives the client as descriptor 2, too.
test_nothing_is_said_on_descriptor_2_unless_the_log_goes_there() {
	for wrong in '-o no-such-thing=1' '-f /no/such/file' '-o vrfy=maybe' '-x'; do
		# shellcheck disable=SC2086
		"$BIN" $wrong </dev/null >"$SCRATCH/out" 2>"$SCRATCH/err"
		assertEquals "descriptor 2 with $wrong" '' "$(cat "$SCRATCH/err")"
		assertTrue "$(cat "$SCRATCH/out")" "grep -q '^421 4.3.5 ' '$SCRATCH/out'"
		assertEquals 'replies' 1 "$(wc -l <"$SCRATCH/out")"
	done
	printf 'HELO x\r\nBOGUS\r\nQUIT\r\n' | "$BIN" >"$SCRATCH/out" 2>"$SCRATCH/err"
	assertEquals 'in a session' '' "$(cat "$SCRATCH/err")"
	assertTrue 'there was one' "grep -q '^221 ' '$SCRATCH/out'"
}

test_no_argument_at_all_is_a_working_receiver() {
	[ ! -e /etc/in.smtpd.conf ] || { skip 'this machine has settings of its own'; return; }
	printf 'EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<no.such.user.here@localhost>\r\nVRFY root\r\nQUIT\r\n' |
	    "$BIN" 2>/dev/null | tr -d '\r' >"$SCRATCH/out"
	assertTrue 'greeting' "head -n 1 '$SCRATCH/out' | grep -q '^220 ..* ESMTP'"
	assertTrue 'size' "grep -q '^250-SIZE 52428800\$' '$SCRATCH/out'"
	assertTrue 'unknown user' "grep -q '^550 5.1.1 ' '$SCRATCH/out'"
	assertTrue 'root' "grep -q '^250 2.1.5 .*<root@' '$SCRATCH/out'"
}

test_t_says_when_the_surroundings_are_not_right() {
	# shellcheck disable=SC2086
	"$BIN" $USUAL -t >/dev/null 2>"$SCRATCH/err"
	assertEquals "exit status where all is well: $(cat "$SCRATCH/err")" 0 $?
	for wrong in passwd=/no/such/passwd spool=/no/such/spool; do
		# shellcheck disable=SC2086
		"$BIN" $USUAL -o "$wrong" -t >"$SCRATCH/out" 2>"$SCRATCH/err"
		assertNotEquals "exit status with $wrong" 0 $?
		assertTrue "a reason for $wrong" "grep -q '${wrong#*=}' '$SCRATCH/err'"
	done
}

# well YES_OR_NO REPLY ARGUMENT...: what -t thinks of it, and what mail for joe gets then.
well() {
	_well=$1 _reply=$2
	shift 2
	# shellcheck disable=SC2086
	if $WRAP "$BIN" $USUAL "$@" -t >/dev/null 2>"$SCRATCH/err"; then
		assertEquals "-t says so, with $*" "$_well" yes
		assertEquals "-t with $*" '' "$(cat "$SCRATCH/err")"
	else
		assertEquals "-t says $(cat "$SCRATCH/err"), with $*" "$_well" no
		assertTrue "a reason for $*" "[ -s '$SCRATCH/err' ]"
	fi
	talk "$@" <<-EOF || fail "with $*"
	S: 220 *
	C: HELO client.example
	S: 250 *
	C: MAIL FROM:<ann@client.example>
	S: 250 *
	C: RCPT TO:<joe@mail.example>
	S: $_reply
	C: QUIT
	S: 221 *
	END
	EOF
}

# No false alarms, and none that is missing.
test_t_is_content_where_mail_can_be_taken_and_only_there() {
	well yes '250 *'
	well yes '250 *' -o log=none
	well yes '250 *' -o mailbox=%h/mbox
	well yes '250 *' -o mailbox="$MAIL/%u-box" -o spool="$MAIL"
	well yes '250 *' -o user=nobody -o min-uid=1
	well yes '250 *' -o user=no-such-account,nobody
	well yes '250 *' -o user=65533
	well no '451 *' -o passwd=/no/such/file
	well no '451 *' -o mailbox=/no/such/directory/%u
	: >"$SCRATCH/a-file"
	well no '451 *' -o mailbox="$SCRATCH/a-file/%u"
}

test_t_is_content_with_every_usual_mode_of_the_mail_directory() {
	need_root || return 0
	for _mode in '0:8 2775' '0:8 3777' '0:0 1777' '0:8 775'; do
		chown "${_mode% *}" "$MAIL"
		chmod "${_mode#* }" "$MAIL"
		well yes '250 *' || echo "with $_mode"
	done
	chown 0:0 "$MAIL"
	chmod 755 "$MAIL"
	well no '451 *'
}

test_t_is_content_for_an_ordinary_user_with_what_is_his() {
	need_root && need setpriv || return 0
	WRAP='setpriv --reuid 20001 --regid 20001 --clear-groups'
	chown 20001 "$SPOOL"
	well yes '250 *' -o mailbox=%h/mbox
	well no '451 *'
	chmod 1777 "$MAIL"
	well yes '250 *'
	chown 0 "$SPOOL"
	WRAP=''
}

test_the_hostname_is_in_the_greeting_and_in_received() {
	talk -o hostname=other.example <<-'EOF'
	S: 220 other.example ESMTP in.smtpd
	C: HELO client.example
	S: 250 other.example*
	C: MAIL FROM:<>
	S: 250 *
	C: RCPT TO:<joe@mail.example>
	S: 250 *
	C: DATA
	S: 354 *
	C: .
	S: 250 *
	C: QUIT
	S: 221 2.0.0 other.example *
	END
	HEADER joe Received: *by other.example *
	EOF
}

# shellcheck disable=SC1091
. shunit2

#!/bin/sh
# SPDX-License-Identifier: ISC
# Privileges: two processes, what each of them holds, and what is left when one of them dies.
# shellcheck disable=SC2016,SC2046  # the scripts in quotes run elsewhere
# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"

# A dialogue's RUN lines source this: $session is one process, $deliverer its child.
cat >"$SCRATCH/processes" <<'EOF2'
children_of() { cat "/proc/$1/task/$1/children"; }
session=$SERVER
[ -z "$WRAPPED" ] || { set -- $(children_of "$session"); session=$1; }
set -- $(children_of "$session")
[ $# -eq 1 ] || { echo "$# children"; exit 1; }
deliverer=$1
is() { [ "$2" = "$3" ] || { echo "$1 is $2 and not $3"; exit 1; }; }
status_of() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status" | tr '\t' ' ' | sed 's/ *$//'; }
EOF2
export WRAPPED=

in_a_session='S: 220 *
C: HELO client.example
S: 250 *
C: MAIL FROM:<ann@client.example>
S: 250 *
C: RCPT TO:<joe@mail.example>
S: 250 *'
in_the_text="$in_a_session
C: DATA
S: 354 *
C: Subject: half"

# look SCRIPT [ARGUMENT...]: run SCRIPT (sh) while a session waits in its mail data.
look() {
	printf '. "%s/processes"\n%s\n' "$SCRATCH" "$1" >"$SCRATCH/look"
	shift
	talk "$@" <<-EOF
	$in_the_text
	RUN sh "\$SCRATCH/look"
	C: .
	S: 250 *
	C: QUIT
	S: 221 *
	END
	EOF
}

test_there_are_two_processes_whoever_starts_it() {
	look 'is "the children of the deliverer" "$(children_of "$deliverer")" ""'
}

test_the_session_runs_as_the_user_and_nobody_else() {
	need_root || return 0
	user smtpd 20099 'SMTP daemon' | cat - "$PASSWD" >"$SCRATCH/with-smtpd"
	look 'is uids "$(status_of "$session" Uid)" "65534 65534 65534 65534"
	    is gids "$(status_of "$session" Gid)" "8 8 8 8"'
	look 'is uids "$(status_of "$session" Uid)" "20099 20099 20099 20099"' \
	    -o passwd="$SCRATCH/with-smtpd"
	look 'is uids "$(status_of "$session" Uid)" "20002 20002 20002 20002"' -o user=ann
}

test_the_session_has_no_supplementary_groups_and_no_capabilities() {
	need_root || return 0
	WRAP='setpriv --groups 4,8,24'
	look 'is groups "$(status_of "$session" Groups)" ""
	    is capabilities "$(status_of "$session" CapEff)" 0000000000000000
	    is capabilities "$(status_of "$session" CapPrm)" 0000000000000000
	    is "new privileges" "$(status_of "$session" NoNewPrivs)" 1'
	WRAP=
}

test_the_session_lives_in_an_empty_root_directory() {
	need_root || return 0
	look 'is "what is in the root" "$(ls -A "/proc/$session/root/")" ""
	    is "what is in the working directory" "$(ls -A "/proc/$session/cwd/")" ""
	    [ "$(readlink "/proc/$session/root")" != / ] || { echo "it has the root of all"; exit 1; }'
}

test_no_empty_directory_is_left_behind() {
	need_root || return 0
	ls -A / /var/tmp /run /var/empty >"$SCRATCH/before" 2>/dev/null
	deliver_one joe
	ls -A / /var/tmp /run /var/empty >"$SCRATCH/behind" 2>/dev/null
	diff "$SCRATCH/before" "$SCRATCH/behind" >"$SCRATCH/more"
	assertFalse "$(cat "$SCRATCH/more")" "grep -iq 'in\.smtpd\.' '$SCRATCH/more'"
	assertEquals 'in the spool' '' "$(ls -A "$SPOOL")"
}

test_the_session_holds_no_mailbox_and_no_directory() {
	look 'for fd in /proc/"$session"/fd/*; do
	    name=$(readlink "$fd")
	    case $name in
	    "$MAIL"* | "$HOMES"*) echo "it holds $name"; exit 1 ;;
	    esac
	    [ ! -d "$fd" ] || { echo "it holds the directory $name"; exit 1; }
	done'
}

test_the_deliverer_holds_neither_end_of_the_client() {
	look 'client=$(readlink "/proc/$session/fd/0")
	case $client in socket:*) ;; *) echo "the client is $client"; exit 1 ;; esac
	for fd in /proc/"$deliverer"/fd/*; do
	    [ "$(readlink "$fd")" != "$client" ] || { echo "it holds the client as $fd"; exit 1; }
	done'
}

test_the_client_is_not_descriptor_2_of_the_deliverer() {
	cat >"$SCRATCH/as-inetd-does" <<-'EOF'
	exec "$@" 2>&1
	EOF
	WRAP="sh $SCRATCH/as-inetd-does"
	look 'client=$(readlink "/proc/$session/fd/0")
	    [ "$(readlink "/proc/$deliverer/fd/2")" != "$client" ] || { echo "it is"; exit 1; }' \
	    -o log=none
	WRAP=
}

# The wrapper outlives the session and hides how it died, which talk would complain about.
test_a_session_that_dies_delivers_nothing_and_takes_the_deliverer_along() {
	cat >"$SCRATCH/wrapper" <<-'EOF'
	"$@"
	exit 0
	EOF
	WRAP="sh $SCRATCH/wrapper" WRAPPED=yes
	talk <<-EOF
	$in_the_text
	RUN . "\$SCRATCH/processes"; kill -KILL "\$session"
	END
	MBOX joe 0
	EOF
	WRAP='' WRAPPED=
}

test_a_deliverer_that_dies_delivers_nothing_and_takes_the_session_along() {
	talk <<-EOF
	$in_the_text
	RUN . "\$SCRATCH/processes"; kill -KILL "\$deliverer"
	S: 421 4.3.* *
	END
	MBOX joe 0
	EOF
	talk <<-EOF
	$in_a_session
	RUN . "\$SCRATCH/processes"; kill -KILL "\$deliverer"
	S: 421 4.3.* *
	END
	MBOX joe 0
	EOF
}

test_an_unknown_user_setting_ends_the_session_before_it_begins() {
	need_root || return 0
	talk -o user=no-such-account <<-'EOF'
	S: 421 4.3.5 *
	END
	LOG *no-such-account*
	EOF
}

test_the_session_never_runs_as_root() {
	need_root || return 0
	talk -o user=root <<-'EOF'
	S: 421 4.3.5 *
	END
	LOG *root*
	EOF
}

# as_joe: run the program as an ordinary user, in no group but his own.
as_joe() {
	need_root || return 1
	need setpriv || return 1
	setpriv --reuid 20001 --regid 20001 --clear-groups test -x "$BIN" ||
		{ skip 'an ordinary user cannot reach the program'; return 1; }
	WRAP='setpriv --reuid 20001 --regid 20001 --clear-groups'
	chown 20001:20001 "$SPOOL"
}

test_an_ordinary_user_receives_his_own_mail() {
	as_joe || return 0
	talk -o mailbox=%h/mbox <<-EOF
	$in_the_text
	RUN . "\$SCRATCH/processes"; is uids "\$(status_of "\$session" Uid)" "20001 20001 20001 20001"
	C:
	C: text
	C: .
	S: 250 2.6.0 *
	C: QUIT
	S: 221 *
	END
	EOF
	WRAP=
	assertTrue 'it is there' "grep -q '^Subject: half' '$HOMES/joe/mbox'"
	assertEquals 'it is his' 20001 "$(stat -c %u "$HOMES/joe/mbox")"
	rm -f "$HOMES/joe/mbox"
}

test_an_ordinary_user_appends_to_his_mailbox_in_the_mail_directory() {
	as_joe || return 0
	printf 'From old@client.example Sun Jan  1 00:00:00 2023\n\nold text\n\n' >"$MAIL/joe"
	chown 20001:8 "$MAIL/joe"
	chmod 660 "$MAIL/joe"
	chmod 1777 "$MAIL"
	talk <<-EOF
	$in_the_text
	C: .
	S: 250 2.6.0 *
	MBOX joe 2
	EOF
	WRAP=
}

test_an_ordinary_user_receives_nobody_elses_mail() {
	as_joe || return 0
	talk -o mailbox=%h/mbox <<-'EOF'
	S: 220 *
	C: HELO client.example
	S: 250 *
	C: MAIL FROM:<ann@client.example>
	S: 250 *
	C: RCPT TO:<jane@mail.example>
	S: [45]5? *
	C: QUIT
	S: 221 *
	END
	EOF
	WRAP=
	assertFalse 'nothing is there' "[ -e '$HOMES/jane/mbox' ]"
}

# In a directory where all may write he could make jane a mailbox, and it would be his.
test_an_ordinary_user_makes_nobody_else_a_mailbox() {
	as_joe || return 0
	chmod 1777 "$MAIL"
	talk <<-'EOF'
	S: 220 *
	C: HELO client.example
	S: 250 *
	C: MAIL FROM:<ann@client.example>
	S: 250 *
	C: RCPT TO:<jane@mail.example>
	S: 451 4.* *
	C: RCPT TO:<root@mail.example>
	S: 451 4.* *
	C: RCPT TO:<joe@mail.example>
	S: 250 *
	C: DATA
	S: 354 *
	C: .
	S: 250 *
	C: QUIT
	S: 221 *
	END
	LOG *deferred to=<jane> *
	EOF
	WRAP=
	assertEquals 'files' joe "$(ls -A "$MAIL")"
}

# The whole program in a directory of its own: every other path is within it.
test_the_chroot_setting_holds_for_every_path() {
	need_root || return 0
	_root=$SCRATCH/root
	mkdir "$_root" "$_root/etc" "$_root/mail" "$_root/spool"
	chown 0:8 "$_root/mail"
	chmod 2775 "$_root/mail"
	sed '/^jane:/d' "$PASSWD" >"$_root/etc/passwd"
	talk -o chroot="$_root" -o passwd=/etc/passwd -o mailbox=/mail/%u -o spool=/spool <<-EOF
	$in_a_session
	C: RCPT TO:<jane@mail.example>
	S: 550 5.1.1 *
	C: DATA
	S: 354 *
	C: Subject: caged
	C: .
	S: 250 2.6.0 *
	C: QUIT
	S: 221 *
	END
	MBOX joe 0
	EOF
	assertTrue 'it is there' "grep -q '^Subject: caged' '$_root/mail/joe'"
	rm -rf "$_root"
}

test_a_chroot_that_is_not_there_is_a_wrong_setting() {
	need_root || return 0
	talk -o chroot="$SCRATCH/no-such-root" <<-'EOF'
	S: 421 4.3.5 *
	END
	LOG *no-such-root*
	EOF
}

# shellcheck disable=SC1091
. shunit2

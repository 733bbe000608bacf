#!/bin/sh
# SPDX-License-Identifier: ISC
# Delivery: what stands in a mailbox afterwards, which mailboxes are not touched, and the locks.
# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"

# send_to REPLY USER... [-- ARGUMENT...]: one message for the users, all taken at RCPT; REPLY is
# the pattern for what comes after the final dot.
send_to() {
	_reply=$1 _lines='S: 220 *
C: EHLO client.example
S+ 250?*
C: MAIL FROM:<ann@client.example>
S: 250 *'
	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		_lines="$_lines
C: RCPT TO:<$1@mail.example>
S: 250 *"
		shift
	done
	[ $# -eq 0 ] || shift
	talk "$@" <<-EOF
	$_lines
	C: DATA
	S: 354 *
	C: Subject: new
	C:
	C: new text
	C: .
	S: $_reply
	C: NOOP
	S: 250 *
	C: QUIT
	S: 221 *
	END
	EOF
}

# refuse_at_rcpt REPLY USER [ARGUMENT...]: his mailbox is refused, and another's mail still goes.
refuse_at_rcpt() {
	_reply=$1 _user=$2
	shift 2
	talk "$@" <<-EOF
	S: 220 *
	C: HELO client.example
	S: 250 *
	C: MAIL FROM:<ann@client.example>
	S: 250 *
	C: RCPT TO:<$_user@mail.example>
	S: $_reply
	C: RCPT TO:<jane@mail.example>
	S: 250 *
	C: DATA
	S: 354 *
	C: .
	S: 250 *
	C: QUIT
	S: 221 *
	END
	MBOX jane 1
	EOF
}

# A mailbox of one old message, as its owner's mail reader left it.
make_mailbox() {
	printf 'From old@client.example Sun Jan  1 00:00:00 2023\nSubject: old\n\nold text\n\n' \
	    >"$MAIL/$1"
	own "$1"
	chmod 600 "$MAIL/$1"
}

own() {
	[ -z "$ROOT" ] || chown "$(awk -F: -v u="$1" '$1 == u { print $3 }' "$PASSWD"):8" "$MAIL/$1"
}

# The old octets of USER's mailbox are where they were.
assert_old_octets_stand() {
	head -c "$(wc -c <"$2")" "$MAIL/$1" | cmp - "$2" || fail "the old octets of $1 changed"
}

# --- the form

test_the_parts_stand_in_their_order_and_a_blank_line_ends_them() {
	deliver_one joe 'Subject: form' 'X-Last: yes' '' 'text' || return
	awk '/^$/ { exit } { print }' "$MAIL/joe" | sed -n 's/^\([A-Za-z-]*\)[: ].*/\1/p' |
	    tr '\n' ' ' >"$SCRATCH/parts"
	assertEquals 'From Return-Path Delivered-To Received Subject X-Last ' \
	    "$(cat "$SCRATCH/parts")"
	assertEquals 'the end' 'text//' "$(tail -n 2 "$MAIL/joe" | tr '\n' /)"
	assertEquals 'no CR' 0 "$(tr -cd '\r' <"$MAIL/joe" | wc -c)"
}

test_the_from_line_has_the_sender_and_an_asctime_date() {
	deliver_one joe || return
	_date='(Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z][a-z] [ 1-3][0-9] [0-9:]{8} 20[0-9][0-9]'
	assertTrue "$(head -n 1 "$MAIL/joe")" \
	    "head -n 1 '$MAIL/joe' | grep -Eqx 'From sender@client.example $_date'"
}

test_the_null_sender_is_mailer_daemon_in_the_from_line() {
	talk <<-'EOF'
	S: 220 *
	C: HELO client.example
	C: MAIL FROM:<>
	C: RCPT TO:<joe@mail.example>
	C: DATA
	S: 250 *
	S: 250 *
	S: 250 *
	S: 354 *
	C: Subject: notice
	C: .
	S: 250 *
	FROM_ joe MAILER-DAEMON *
	HEADER joe Return-Path: <>
	EOF
}

test_a_sender_with_blanks_gets_a_from_line_without() {
	talk <<-'EOF'
	S: 220 *
	C: HELO client.example
	C: MAIL FROM:<"a b From x"@client.example>
	C: RCPT TO:<joe@mail.example>
	C: DATA
	S: 250 *
	S: 250 *
	S: 250 *
	S: 354 *
	C: .
	S: 250 *
	MBOX joe 1
	HEADER joe Return-Path: <"a b From x"@client.example>
	EOF
	assertEquals 'words of the From_ line' 7 "$(head -n 1 "$MAIL/joe" | wc -w)"
}

test_a_source_route_is_not_in_the_return_path() {
	talk <<-'EOF'
	S: 220 *
	C: HELO client.example
	C: MAIL FROM:<@relay.example:ann@client.example>
	C: RCPT TO:<joe@mail.example>
	C: DATA
	S: 250 *
	S: 250 *
	S: 250 *
	S: 354 *
	C: .
	S: 250 *
	FROM_ joe ann@client.example *
	HEADER joe Return-Path: <ann@client.example>
	EOF
}

test_received_tells_from_by_with_id_for_and_a_numeric_zone() {
	talk <<-'EOF'
	S: 220 *
	C: EHLO client.example
	S+ 250?*
	C: MAIL FROM:<ann@client.example>
	C: RCPT TO:<joe+list@mail.example>
	C: DATA
	S: 250 *
	S: 250 *
	S: 354 *
	C: .
	S: 250 *
	HEADER joe Delivered-To: joe*@mail.example
	HEADER joe Received: from client.example (*127.0.0.1])*by mail.example *
	HEADER joe Received: * with ESMTP id [A-Za-z0-9]*for <joe+list@mail.example>;*
	HEADER joe Received: *;?[A-Z]??, *[0-9] [A-Z]?? 20[0-9][0-9] ??:??:?? [-+][0-9][0-9][0-9][0-9]
	EOF
}

test_received_says_smtp_after_helo() {
	talk <<-'EOF'
	S: 220 *
	C: HELO client.example
	C: MAIL FROM:<ann@client.example>
	C: RCPT TO:<joe@mail.example>
	C: DATA
	S: 250 *
	S: 250 *
	S: 250 *
	S: 354 *
	C: .
	S: 250 *
	HEADER joe Received: * with SMTP id *
	EOF
}

# RFC 5321 7.2: no recipient learns of the others.
test_received_has_no_for_with_several_recipients() {
	send_to '250 *' joe jane
	for _user in joe jane; do
		assertFalse "for in $_user's" "grep -q '^[[:space:]]*for \|[[:space:]]for <' '$MAIL/$_user'"
	done
	assertFalse 'jane in joe'"'"'s' "grep -q jane '$MAIL/joe'"
}

test_the_reply_names_the_id_that_received_has() {
	cat >"$SCRATCH/with-id" <<-'EOF'
	S: 220 *
	C: HELO client.example
	C: MAIL FROM:<ann@client.example>
	C: RCPT TO:<joe@mail.example>
	C: DATA
	S: 250 *
	S: 250 *
	S: 250 *
	S: 354 *
	C: .
	S: 250 2.6.0 Delivered as *
	EOF
	play_once -v "$SCRATCH/with-id" >"$SCRATCH/said" || fail 'not delivered'
	_id=$(sed -n 's/.*Delivered as \([A-Za-z0-9]*\).*/\1/p' "$SCRATCH/said")
	assertNotNull 'an id' "$_id"
	assertTrue 'in Received' "grep -q 'id $_id' '$MAIL/joe'"
}

# The message between its first own line and the blank line behind it, octet for octet.
assert_stored() {
	sed -n '/^X-First/,$p' "$MAIL/joe" | cmp - "$1" || {
		sed -n '/^X-First/,$p' "$MAIL/joe" | diff - "$1"
		fail 'it is not stored as it should be'
	}
}

test_from_lines_are_quoted_so_that_it_can_be_undone() {
	deliver_one joe 'X-First: 1' 'From here' '>From there' 'Subject: x' '' 'From a' '>From b' \
	    '>>From c' ' From d' 'from e' 'From' 'From:f' '>>x' 'xFrom g' || return
	cat >"$SCRATCH/wanted" <<-'EOF'
	X-First: 1
	>From here
	>>From there
	Subject: x

	>From a
	>>From b
	>>>From c
	 From d
	from e
	From
	From:f
	>>x
	xFrom g

	EOF
	assert_stored "$SCRATCH/wanted"
	assertEquals 'messages' 1 "$(mailbox_messages joe)"
}

test_the_very_first_line_is_quoted_like_any_other() {
	deliver_one joe 'From me to you' 'Subject: x' '' text || return
	assertEquals 'messages' 1 "$(mailbox_messages joe)"
	assertTrue 'quoted' "grep -q '^>From me to you' '$MAIL/joe'"
}

test_a_dot_is_taken_off_before_from_is_quoted() {
	deliver_one joe 'X-First: 1' '' '.From a' '.>From b' '..' '...x' '. ' || return
	printf 'X-First: 1\n\n>From a\n>>From b\n.\n..x\n \n\n' >"$SCRATCH/wanted"
	assert_stored "$SCRATCH/wanted"
}

test_every_octet_but_the_line_end_is_stored_as_it_came() {
	python3 -c 'import sys
octets = bytes(c for c in range(256) if c not in (10, 13))
sys.stdout.buffer.write(b"X-First: 1\n\n" + octets + b"\nend\n\n")' >"$SCRATCH/wanted"
	{
		printf 'S: 220 *\nC: EHLO x\nS+ 250?*\n'
		printf 'C: MAIL FROM:<ann@client.example> BODY=8BITMIME\nS: 250 *\n'
		printf 'C: RCPT TO:<joe@mail.example>\nS: 250 *\nC: DATA\nS: 354 *\n'
		printf 'C: X-First: 1\nC:\nC: '
		_i=0
		while [ $_i -lt 256 ]; do
			[ $_i -eq 10 ] || [ $_i -eq 13 ] || printf '\\x%02x' $_i
			_i=$((_i + 1))
		done
		printf '\nC: end\nC: .\nS: 250 *\n'
	} >"$SCRATCH/octets"
	play_once '' "$SCRATCH/octets" || fail 'not delivered'
	assert_stored "$SCRATCH/wanted"
}

# RFC 5321 4.4: the one that makes final delivery puts it there, and takes others away.
test_return_path_lines_of_the_client_are_dropped_with_their_folds() {
	deliver_one joe 'X-First: 1' 'Return-Path: <forged@client.example>' 'Subject: x' \
	    'RETURN-PATH:' ' <folded@client.example>' "$(printf '\t(and more)')" ' ' \
	    'Return-Path-Not: kept' 'return-path:<last@client.example>' '' \
	    'Return-Path: <text@client.example>' || return
	cat >"$SCRATCH/wanted" <<-'EOF'
	X-First: 1
	Subject: x
	Return-Path-Not: kept

	Return-Path: <text@client.example>

	EOF
	assert_stored "$SCRATCH/wanted"
	assertEquals 'one, and it is ours' 'Return-Path: <sender@client.example>' \
	    "$(sed '/^$/q' "$MAIL/joe" | grep -i '^return-path:')"
}

test_a_return_path_in_the_first_line_is_dropped_as_well() {
	deliver_one joe 'Return-Path: <forged@client.example>' ' folded' 'X-First: 1' '' text || return
	assertEquals 'one, and it is ours' 'Return-Path: <sender@client.example>' \
	    "$(sed '/^$/q' "$MAIL/joe" | grep -i '^return-path:')"
	assertFalse 'its fold stays' "grep -q folded '$MAIL/joe'"
}

# --- the mailbox that is there already

test_a_second_message_comes_behind_the_first() {
	make_mailbox joe
	cp "$MAIL/joe" "$SCRATCH/old"
	deliver_one joe
	deliver_one joe 'Subject: two' '' text
	assert_old_octets_stand joe "$SCRATCH/old"
	assertEquals 'messages' 3 "$(mailbox_messages joe)"
}

test_a_mailbox_that_lacks_its_last_newline_gets_it_first() {
	make_mailbox joe
	printf 'From old@client.example Sun Jan  1 00:00:00 2023\n\ncut of' >>"$MAIL/joe"
	cp "$MAIL/joe" "$SCRATCH/old"
	deliver_one joe || return
	assert_old_octets_stand joe "$SCRATCH/old"
	assertEquals 'messages' 3 "$(mailbox_messages joe)"
	assertTrue 'a blank line between' "sed -n '/^cut of/{n;p;q;}' '$MAIL/joe' | grep -qx ''"
	assertEquals 'and no more' 0 "$(sed -n '/^cut of/{n;n;p;q;}' "$MAIL/joe" | grep -vc '^From ')"
}

test_a_mailbox_that_lacks_its_last_blank_line_gets_it_first() {
	make_mailbox joe
	printf 'From old@client.example Sun Jan  1 00:00:00 2023\n\ncut off\n' >>"$MAIL/joe"
	cp "$MAIL/joe" "$SCRATCH/old"
	deliver_one joe || return
	assert_old_octets_stand joe "$SCRATCH/old"
	assertEquals 'messages' 3 "$(mailbox_messages joe)"
	assertTrue 'a blank line between' "sed -n '/^cut off/{n;p;q;}' '$MAIL/joe' | grep -qx ''"
}

test_a_new_mailbox_is_private_and_its_owners_whatever_the_umask() {
	for _umask in 0 077; do
		fresh_mail
		umask $_umask
		deliver_one joe
		umask 022
		_mode=$(stat -c %a "$MAIL/joe")
		assertTrue "mode $_mode with umask $_umask" "[ $_mode = 600 ] || [ $_mode = 660 ]"
		[ -z "$ROOT" ] ||
			assertEquals 'owner' 20001:8 "$(stat -c %u:%g "$MAIL/joe")"
	done
}

test_an_old_mailbox_keeps_its_mode_and_owner() {
	make_mailbox joe
	[ -z "$ROOT" ] || chown 20001:20001 "$MAIL/joe"
	chmod 640 "$MAIL/joe"
	_was=$(stat -c '%u:%g %a %i' "$MAIL/joe")
	deliver_one joe
	assertEquals "$_was" "$(stat -c '%u:%g %a %i' "$MAIL/joe")"
	assertEquals 'messages' 2 "$(mailbox_messages joe)"
}

test_an_empty_mailbox_begins_with_its_from_line() {
	: >"$MAIL/joe"
	own joe
	deliver_one joe
	assertTrue "head -n 1 '$MAIL/joe' | grep -q '^From '"
	assertEquals 'messages' 1 "$(mailbox_messages joe)"
}

# A mail reader takes mail for new where the mailbox was written after it was read.
test_readers_see_that_there_is_new_mail() {
	make_mailbox joe
	touch -d '1 hour ago' "$MAIL/joe"
	cat "$MAIL/joe" >/dev/null
	deliver_one joe
	assertTrue 'mtime is newer' \
	    "[ $(stat -c %.9Y "$MAIL/joe" | tr -d .) -gt $(stat -c %.9X "$MAIL/joe" | tr -d .) ]"
	rm "$MAIL/joe"
	deliver_one joe
	assertTrue 'in a new mailbox, too, and to the second' \
	    "[ $(stat -c %Y "$MAIL/joe") -gt $(stat -c %X "$MAIL/joe") ]"
}

test_mail_can_go_into_the_home() {
	send_to '250 *' joe -- -o mailbox=%h/mbox
	assertTrue 'it is there' "[ -s '$HOMES/joe/mbox' ]"
	[ -z "$ROOT" ] || assertEquals 'owner' 20001 "$(stat -c %u "$HOMES/joe/mbox")"
	assertEquals 'and nowhere else' 0 "$(mailbox_messages joe)"
	rm -f "$HOMES/joe/mbox"
}

# passwd_with LINE: a file of the test's users and this one
passwd_with() {
	cp "$PASSWD" "$SCRATCH/with-one-more"
	echo "$1" >>"$SCRATCH/with-one-more"
}

test_a_user_without_a_home_needs_none() {
	_uid=20070
	[ -n "$ROOT" ] || _uid=$(id -u)
	for _home in '' relative /nonexistent; do
		passwd_with "homeless:x:$_uid:8:No Home:$_home:/bin/sh"
		fresh_mail
		send_to '250 *' homeless -- -o passwd="$SCRATCH/with-one-more"
		assertEquals "with the home '$_home'" 1 "$(mailbox_messages homeless)"
		talk -o passwd="$SCRATCH/with-one-more" -o mailbox=%h/new-mbox <<-'EOF'
		S: 220 *
		C: HELO client.example
		S: 250 *
		C: MAIL FROM:<ann@client.example>
		S: 250 *
		C: RCPT TO:<homeless@mail.example>
		S: 451 4.* *
		C: QUIT
		S: 221 *
		END
		LOG *deferred to=<homeless> *
		EOF
	done
	assertFalse 'nothing was made' "[ -e new-mbox ] || [ -e relative ] || [ -e /new-mbox ]"
}

# The deliverer has the recipient's effective ids: what he may not enter is closed to his mail.
test_mail_goes_nowhere_that_its_recipient_could_not_write_himself() {
	need_root || return 0
	mkdir -p "$HOMES/ann/private" "$HOMES/root-only"
	chown 20002:8 "$HOMES/ann/private"
	chmod 700 "$HOMES/ann/private" "$HOMES/root-only"
	for _target in "$HOMES/ann/private" "$HOMES/root-only" /; do
		ln -sfn "$_target" "$HOMES/joe/dir"
		talk -o mailbox=%h/dir/mbox <<-'EOF' || fail "through a link to $_target"
		S: 220 *
		C: HELO client.example
		S: 250 *
		C: MAIL FROM:<ann@client.example>
		S: 250 *
		C: RCPT TO:<joe@mail.example>
		S: 451 4.* *
		C: QUIT
		S: 221 *
		END
		EOF
		assertFalse "a mailbox in $_target" "[ -e '$_target/mbox' ]"
	done
	rm "$HOMES/joe/dir"
	rmdir "$HOMES/ann/private" "$HOMES/root-only"
}

# --- several recipients

test_every_recipient_gets_the_message() {
	send_to '250 *' joe jane jsmith
	for _user in joe jane jsmith; do
		assertEquals "$_user" 1 "$(mailbox_messages $_user)"
		assertTrue 'delivered to him' "grep -q '^Delivered-To: $_user@' '$MAIL/$_user'"
	done
}

test_one_user_by_many_names_gets_it_once() {
	send_to '250 *' joe joe+a '"joe"' JOE '"j\oe+b"' postmaster root
	assertEquals 1 "$(mailbox_messages joe)"
	assertEquals 1 "$(mailbox_messages root)"
}

# Sentence 8 of the design: one that fails leaves all as they were.
test_a_mailbox_that_cannot_take_it_keeps_it_from_the_others() {
	make_mailbox joe
	make_mailbox jane
	make_mailbox lee1
	printf '%6000s\n\n' x >>"$MAIL/jane"
	for _user in joe jane lee1; do remember_mailbox $_user; done
	send_to '552 5.2.2 *' lee1 jane joe -- -o mailbox-size-limit=6200
	for _user in joe jane lee1; do assert_mailbox_unchanged $_user; done
}

test_a_message_refused_after_the_data_leaves_nothing_in_a_new_mailbox() {
	make_mailbox jane
	printf '%6000s\n\n' x >>"$MAIL/jane"
	send_to '552 5.2.2 *' joe jane jsmith -- -o mailbox-size-limit=6200
	assertFalse 'nothing for joe' "[ -s '$MAIL/joe' ]"
	assertFalse 'nothing for jsmith' "[ -s '$MAIL/jsmith' ]"
}

# --- locks

# hold_fcntl_lock USER: until the file $SCRATCH/let-go is there.
hold_fcntl_lock() {
	rm -f "$SCRATCH/held" "$SCRATCH/let-go"
	timeout 60 python3 -c 'import fcntl, os, sys, time
box = open(sys.argv[1], "r+b")
fcntl.lockf(box, fcntl.LOCK_EX)
open(sys.argv[2], "w").close()
while not os.path.exists(sys.argv[3]):
    time.sleep(0.05)' "$MAIL/$1" "$SCRATCH/held" "$SCRATCH/let-go" &
	_holder=$!
	while [ ! -e "$SCRATCH/held" ]; do sleep 0.05; done
}

let_go() {
	: >"$SCRATCH/let-go"
	wait "$_holder"
}

test_a_held_fcntl_lock_is_450_and_the_mailbox_stands() {
	make_mailbox joe
	remember_mailbox joe
	hold_fcntl_lock joe
	send_to '450 4.2.0 *' jane joe -- -o lock-timeout=1s
	let_go
	assert_mailbox_unchanged joe
	assertEquals 'nobody else got it' 0 "$(mailbox_messages jane)"
	assertFalse 'no lock stays' "ls '$MAIL'/*.lock '$MAIL'/.lk* >/dev/null 2>&1"
}

test_a_held_dotlock_is_450_and_the_mailbox_stands() {
	make_mailbox joe
	remember_mailbox joe
	echo $$ >"$MAIL/joe.lock"
	send_to '450 4.2.0 *' jane joe -- -o lock-timeout=1s
	assert_mailbox_unchanged joe
	assertEquals 'nobody else got it' 0 "$(mailbox_messages jane)"
	assertEquals 'the lock stands' $$ "$(cat "$MAIL/joe.lock")"
	assertFalse 'no other lock stays' "ls '$MAIL/jane.lock' '$MAIL'/.lk* >/dev/null 2>&1"
}

# PEERS: lock-timeout is a promise, a release is noticed within a second.
assert_delivered_soon_after() {
	_before=$(date +%s)
	send_to '250 *' joe -- -o lock-timeout=15s
	_took=$(($(date +%s) - _before))
	assertTrue "it took $_took s" "[ $_took -le 4 ]"
	assertEquals 'messages' 2 "$(mailbox_messages joe)"
}

test_a_dotlock_that_goes_away_is_noticed_soon() {
	make_mailbox joe
	echo $$ >"$MAIL/joe.lock"
	(sleep 1.5; rm "$MAIL/joe.lock") &
	_remover=$!
	assert_delivered_soon_after
	wait "$_remover"
}

test_an_fcntl_lock_that_goes_away_is_noticed_soon() {
	make_mailbox joe
	hold_fcntl_lock joe
	(sleep 1.5; : >"$SCRATCH/let-go") &
	_remover=$!
	assert_delivered_soon_after
	wait "$_remover" "$_holder"
}

test_the_dotlock_of_a_dead_process_holds_nobody_up() {
	make_mailbox joe
	sh -c 'echo $$' >"$MAIL/joe.lock"
	assert_delivered_soon_after
	assertFalse 'it is gone' "[ -e '$MAIL/joe.lock' ]"
}

# Nothing that can be called joe.lock may hang or change anything.
test_a_hostile_dotlock_is_waited_for_and_not_touched() {
	for _kind in fifo link directory long; do
		fresh_mail
		make_mailbox joe
		remember_mailbox joe
		case $_kind in
		fifo) mkfifo "$MAIL/joe.lock" ;;
		link) ln -s "$SCRATCH/passwd" "$MAIL/joe.lock" ;;
		directory) mkdir "$MAIL/joe.lock" ;;
		long) echo "$$ 0000000000000000000000000000" >"$MAIL/joe.lock" ;;
		esac
		remember_mailbox joe.lock
		send_to '45[01] 4.2.0 *' joe -- -o lock-timeout=1s || echo "with a $_kind"
		assert_mailbox_unchanged joe
		assert_mailbox_unchanged joe.lock
	done
}

test_no_lock_stays_behind() {
	send_to '250 *' joe jane
	assertEquals 2 "$(find "$MAIL" -type f | wc -l)"
}

# --- mailboxes that are none

# Not even to a file that is the user's own.
test_a_link_is_no_mailbox() {
	make_mailbox joe
	mv "$MAIL/joe" "$MAIL/joes-own"
	make_mailbox ann
	for _target in joes-own ann; do
		rm -f "$MAIL/joe" "$MAIL/jane"
		ln -s "$_target" "$MAIL/joe"
		remember_mailbox joe
		remember_mailbox "$_target"
		refuse_at_rcpt '451 4.2.0 *' joe
		assert_mailbox_unchanged joe
		assert_mailbox_unchanged "$_target"
		assert_log '/mail/joe'
	done
}

test_a_dangling_link_is_no_mailbox() {
	ln -s "$SCRATCH/made-through-a-link" "$MAIL/joe"
	refuse_at_rcpt '451 4.2.0 *' joe
	assertFalse 'nothing was made' "[ -e '$SCRATCH/made-through-a-link' ]"
	assert_log '/mail/joe'
}

test_a_mailbox_with_a_second_link_is_refused() {
	make_mailbox joe
	ln "$MAIL/joe" "$MAIL/other-name"
	remember_mailbox joe
	refuse_at_rcpt '451 4.2.0 *' joe
	assert_mailbox_unchanged joe
	assert_log '/mail/joe.*link|link.*/mail/joe'
}

test_a_fifo_is_no_mailbox_and_hangs_nobody() {
	mkfifo "$MAIL/joe"
	own joe
	remember_mailbox joe
	refuse_at_rcpt '451 4.2.0 *' joe
	assert_mailbox_unchanged joe
	assert_log '/mail/joe'
}

test_a_directory_is_no_mailbox() {
	mkdir "$MAIL/joe"
	own joe
	refuse_at_rcpt '451 4.2.0 *' joe
	assertEquals 'empty still' '' "$(ls -A "$MAIL/joe")"
	assert_log '/mail/joe'
}

test_a_device_is_no_mailbox() {
	need_root || return 0
	mknod "$MAIL/joe" c 1 3 || { skip 'no device can be made here'; return; }
	own joe
	refuse_at_rcpt '451 4.2.0 *' joe
	assert_log '/mail/joe'
}

test_another_users_file_is_no_mailbox() {
	need_root || return 0
	make_mailbox joe
	chown 20002:8 "$MAIL/joe"
	chmod 666 "$MAIL/joe"
	remember_mailbox joe
	refuse_at_rcpt '451 4.2.0 *' joe
	assert_mailbox_unchanged joe
	assert_log '/mail/joe.*belongs to'
}

test_a_mailbox_that_became_a_link_after_rcpt_is_refused_as_well() {
	make_mailbox joe
	make_mailbox ann
	remember_mailbox ann
	talk <<-'EOF'
	S: 220 *
	C: HELO client.example
	C: MAIL FROM:<ann@client.example>
	C: RCPT TO:<joe@mail.example>
	C: DATA
	S: 250 *
	S: 250 *
	S: 250 *
	S: 354 *
	RUN rm "$MAIL/joe" && ln -s ann "$MAIL/joe"
	C: Subject: x
	C: .
	S: 451 4.2.0 *
	EOF
	assert_mailbox_unchanged ann
	assert_log '/mail/joe'
}

test_a_mailbox_directory_that_is_not_there_is_4yz() {
	talk -o mailbox="$SCRATCH/not/there/%u" <<-'EOF'
	S: 220 *
	C: HELO client.example
	S: 250 *
	C: MAIL FROM:<ann@client.example>
	S: 250 *
	C: RCPT TO:<joe@mail.example>
	S: 45[12] 4.* *
	C: QUIT
	S: 221 *
	END
	LOG */not/there/joe*
	EOF
}

# --- limits and full disks

test_a_mailbox_over_its_limit_refuses_its_own_rcpt() {
	make_mailbox joe
	printf '%3000s\n\n' x >>"$MAIL/joe"
	remember_mailbox joe
	refuse_at_rcpt '552 5.2.2 *' joe -o mailbox-size-limit=3000
	assert_mailbox_unchanged joe
}

test_the_size_that_mail_declared_counts_at_rcpt() {
	make_mailbox joe
	talk -o mailbox-size-limit=1000 <<-'EOF'
	S: 220 *
	C: EHLO client.example
	S+ 250?*
	C: MAIL FROM:<ann@client.example> SIZE=990
	S: 250 *
	C: RCPT TO:<joe@mail.example>
	S: 552 5.2.2 *
	C: QUIT
	S: 221 *
	END
	EOF
}

# with_small_disk DIRECTORY REPLY: 6000 octets for joe and jane while DIRECTORY is a disk of
# 16 KiB with a mailbox of joe's on it; what is on the disk afterwards is copied to $SCRATCH/after.
with_small_disk() {
	cat >"$SCRATCH/on-a-small-disk" <<-'EOF'
	set -e
	cp -p "$MAIL/joe" "$SCRATCH/joe-before"
	mount -t tmpfs -o size=16k,mode=1777 tmpfs "$1"
	shift
	cp -p "$SCRATCH/joe-before" "$MAIL/joe"
	status=0
	"$@" || status=$?
	mkdir "$SCRATCH/after"
	cp -a "$MAIL/." "$SCRATCH/after"
	exit $status
	EOF
	make_mailbox joe
	printf '%3000s\n\n' x >>"$MAIL/joe"
	rm -rf "$SCRATCH/after"
	cat >"$SCRATCH/big" <<-EOF
	S: 220 *
	C: HELO client.example
	C: MAIL FROM:<ann@client.example>
	C: RCPT TO:<jane@mail.example>
	C: RCPT TO:<joe@mail.example>
	C: DATA
	S: 250 *
	S: 250 *
	S: 250 *
	S: 250 *
	S: 354 *
	C: \\{$3:0123456789012345678901234567890123456789}
	C: .
	S: $2
	C: NOOP
	S: 250 *
	C: QUIT
	S: 221 *
	END
	EOF
	# shellcheck disable=SC2086
	unshare -m sh "$SCRATCH/on-a-small-disk" "$1" python3 -S "$TESTS/talk" -e "$LOG" "$SCRATCH/big" -- \
	    "$BIN" $USUAL || fail 'the dialogue went otherwise'
	cmp "$SCRATCH/joe-before" "$SCRATCH/after/joe" || fail 'the mailbox was changed'
	assertFalse 'something for jane' "[ -s '$SCRATCH/after/jane' ]"
	assertFalse 'a lock stays' "ls '$SCRATCH/after'/*.lock '$SCRATCH/after'/.lk* >/dev/null 2>&1"
}

can_mount() {
	need_root || return 1
	need unshare || return 1
	unshare -m mount -t tmpfs tmpfs "$SPOOL" 2>/dev/null || { skip 'no mounts here'; return 1; }
}

test_a_full_disk_is_452_and_the_mailboxes_stand() {
	can_mount || return 0
	with_small_disk "$MAIL" '452 4.3.1 *' 250
}

test_a_full_spool_is_452_and_the_session_goes_on() {
	can_mount || return 0
	with_small_disk "$SPOOL" '452 4.3.1 *' 100000
}

# SIGXFSZ must not kill the deliverer in the middle of a mailbox.
test_a_file_size_limit_leaves_the_mailbox_as_it_was() {
	make_mailbox joe
	printf '%3000s\n\n' x >>"$MAIL/joe"
	remember_mailbox joe
	cat >"$SCRATCH/limited" <<-'EOF'
	ulimit -f 8 && exec "$@"
	EOF
	WRAP="sh $SCRATCH/limited"
	talk -o log=none <<-'EOF'
	S: 220 *
	C: HELO client.example
	C: MAIL FROM:<ann@client.example>
	C: RCPT TO:<joe@mail.example>
	C: DATA
	S: 250 *
	S: 250 *
	S: 250 *
	S: 354 *
	C: \{40:0123456789012345678901234567890123456789}
	C: .
	S: [45]5[12] *
	C: NOOP
	S: 250 *
	EOF
	WRAP=
	assert_mailbox_unchanged joe
}

# RFC 5321 6.1: 250 takes over the responsibility, so the disk has it first.
# syncs_before_250: how many there were in a delivery to joe.
syncs_before_250() {
	WRAP="strace -f -qq -s 60 -e trace=fsync,fdatasync,write,send,sendto -o $SCRATCH/trace"
	deliver_one joe
	WRAP=
	sed '/250 2\.6\.0/q' "$SCRATCH/trace" | grep -cE 'f(data)?sync\(.*= 0$|resumed.*= 0$'
}

test_the_mailbox_is_synced_before_the_250() {
	need strace || return 0
	assertEquals 'syncs of a new mailbox and its directory' 2 "$(syncs_before_250)"
	assertEquals 'syncs of one that was there' 1 "$(syncs_before_250)"
}

# shellcheck disable=SC1091
. shunit2

#!/bin/sh
# SPDX-License-Identifier: ISC
# Mailboxes of two, four and more gigabytes: sizes wrap nowhere, and the work does not grow.
#
# The mailboxes are sparse files with a message at each end.  To see one of these tests fail:
# tests/mutants keeps a size in an `int` or an `unsigned`, and reads a mailbox from its beginning.
# shellcheck disable=SC2119 # talk needs no arguments
# shellcheck source=tests/lib.sh
. "${TESTS:-${0%/*}/..}/lib.sh"

GIB=1073741824
OLD='From old@client.example Sun Jan  1 00:00:00 2023
Subject: old

old text

'

# make_large USER SIZE: a mailbox of so many octets; fails where the disk does not have such files.
make_large() {
	printf '%s' "$OLD" >"$MAIL/$1"
	truncate -s $(($2 - ${#OLD})) "$MAIL/$1" 2>/dev/null ||
		{ skip 'no large files here'; return 1; }
	printf '%s' "$OLD" >>"$MAIL/$1"
	touch -d '1 hour ago' "$MAIL/$1"
	[ -z "$ROOT" ] || chown "$(awk -F: -v u="$1" '$1 == u { print $3 }' "$PASSWD"):8" "$MAIL/$1"
	chmod 600 "$MAIL/$1"
}

# send REPLY-TO-RCPT REPLY-TO-DATA LINES [ARGUMENT...]: so many lines of 60 octets for joe.
send() {
	_at_rcpt=$1 _at_data=$2 _lines=$3
	shift 3
	{
		printf 'S: 220 *\nC: HELO client.example\nS: 250 *\n'
		printf 'C: MAIL FROM:<ann@client.example>\nS: 250 *\n'
		printf 'C: RCPT TO:<joe@mail.example>\nS: %s\n' "$_at_rcpt"
		case $_at_rcpt in
		2*)
			printf 'C: DATA\nS: 354 *\nC: Subject: new\nC:\n'
			printf 'C- \\{%d:%058d\\r\\n}\n' "$_lines" 7
			printf 'C: .\nS: %s\n' "$_at_data"
			;;
		esac
		printf 'C: QUIT\nS: 221 *\nEND\n'
	} >"$SCRATCH/dialogue"
	talk "$@" <"$SCRATCH/dialogue"
}

# assert_appended SIZE LINES: behind the old SIZE octets stands the new message, and both old ones
# are as they were.  Python's module would read all of it, so this looks at both ends.
assert_appended() {
	head -c ${#OLD} "$MAIL/joe" >"$SCRATCH/first"
	tail -c +$(($1 - ${#OLD} + 1)) "$MAIL/joe" >"$SCRATCH/tail"
	printf '%s' "$OLD" >"$SCRATCH/old"
	cmp "$SCRATCH/old" "$SCRATCH/first" || fail 'the first message'
	head -c ${#OLD} "$SCRATCH/tail" | cmp - "$SCRATCH/old" || fail 'the message before ours'
	assertEquals 'right behind it' 'From ' "$(tail -c +$((${#OLD} + 1)) "$SCRATCH/tail" | head -c 5)"
	mv "$SCRATCH/tail" "$MAIL/tail"
	assertEquals 'messages at the end' 2 "$(mailbox_messages tail)"
	mailbox_message tail 2 | sed '1,/^$/d' >"$SCRATCH/body"
	for _line in $(seq "$2"); do printf '%058d\n' 7; done | cmp - "$SCRATCH/body" ||
		fail 'the text'
}

assert_delivered_at() {
	make_large joe "$1" || return 0
	send '250 *' '250 2.6.0 *' "$2"
	assert_appended "$1" "$2"
}

test_a_message_may_reach_across_two_gigabytes() {
	assert_delivered_at $((2 * GIB - 300)) 20
}

test_a_message_may_begin_at_two_gigabytes() {
	assert_delivered_at $((2 * GIB)) 20
}

test_a_message_may_reach_across_four_gigabytes() {
	assert_delivered_at $((4 * GIB - 300)) 20
}

test_a_message_may_begin_behind_four_gigabytes() {
	assert_delivered_at $((4 * GIB + 1)) 20
}

test_a_message_of_a_megabyte_finds_its_place_behind_five_gigabytes() {
	assert_delivered_at $((5 * GIB)) 17000
}

# Counted in system calls, since time tells little: each with how much it was asked to move.
test_a_large_mailbox_makes_no_more_work_than_a_small_one() {
	need strace || return 0
	for _size in 1000 $((5 * GIB)); do
		make_large joe $_size || return 0
		rm -f "$SCRATCH"/trace.*
		WRAP="strace -ff -qq -y -o $SCRATCH/trace"
		send '250 *' '250 2.6.0 *' 500
		WRAP=''
		# Of what has to do with the mailbox: the call and what it returned.
		cat "$SCRATCH"/trace.* | grep -F "$MAIL/joe" | grep -Fv '.lock' |
		    sed -nE 's/^([a-z0-9_]+)\(.* = (-?[0-9]+).*/\1 \2/p' >"$SCRATCH/calls-$_size"
		fresh_mail
	done
	assertTrue 'nothing was traced' "[ $(wc -l <"$SCRATCH/calls-1000") -gt 5 ]"
	diff "$SCRATCH/calls-1000" "$SCRATCH/calls-$((5 * GIB))" || fail 'it works more, or otherwise'
}

test_mailbox_size_limit_is_held_beyond_four_gigabytes() {
	make_large joe $((5 * GIB)) || return 0
	remembered=$(stat -c '%s %i %Y' "$MAIL/joe")
	send '552 5.2.2 *' - 20 -o mailbox-size-limit=4G
	send '552 5.2.2 *' - 20 -o mailbox-size-limit=$((5 * GIB - 1))
	# It fits at RCPT, when its length is not known yet.
	send '250 *' '552 5.2.2 *' 500 -o mailbox-size-limit=$((5 * GIB + 5000))
	assertEquals "$remembered" "$(stat -c '%s %i %Y' "$MAIL/joe")"
	send '250 *' '250 2.6.0 *' 20 -o mailbox-size-limit=6G
	assert_appended $((5 * GIB)) 20
}

# Part of the message is written before the kernel says no.
test_a_message_is_cut_back_beyond_four_gigabytes() {
	need prlimit || return 0
	make_large joe $((5 * GIB)) || return 0
	WRAP="prlimit --fsize=$((5 * GIB + 5000))"
	send '250 *' '552 5.2.2 *' 500
	WRAP=''
	assertEquals 'size' $((5 * GIB)) "$(stat -c %s "$MAIL/joe")"
	tail -c ${#OLD} "$MAIL/joe" >"$SCRATCH/tail"
	printf '%s' "$OLD" | cmp - "$SCRATCH/tail" || fail 'the message before ours'
	assertFalse 'a lock stays' "[ -e '$MAIL/joe.lock' ]"
	send '250 *' '250 2.6.0 *' 20
	assert_appended $((5 * GIB)) 20
}

# shellcheck disable=SC1091
. shunit2

#!/bin/sh
# SPDX-License-Identifier: ISC
# What is done to a delivery while it runs, and what has to be true of the mailboxes then.
#
# The work is in the Python programs beside this file.  To see one of these fail: tests/mutants
# takes the step out that it guards, builds that, and tries it.
# shellcheck disable=SC2119  # talk needs no arguments
TESTS=${TESTS:-$(cd "$(dirname "$0")/.." && pwd)}
# shellcheck source=tests/lib.sh
. "$TESTS/lib.sh"
export BIN USUAL

# faulty PROGRAM ARGUMENT...: it must be content.
faulty() {
	_program=$1
	shift
	python3 "$TESTS/faults/$_program.py" "$@" ||
		{ tail -n 20 "$LOG"; fail "$_program $*"; }
}

# on_small_disk DIRECTORY KIB PROGRAM ARGUMENT...: the same with a disk of that size there.
on_small_disk() {
	_where=$1 _size=$2
	shift 2
	# shellcheck disable=SC2016  # for the inner shell
	unshare -m sh -c 'mount -t tmpfs -o "size=$1k,mode=2775,uid=0,gid=8" small "$2" &&
	    chmod "$(stat -c %a "$2")" "$2" && shift 2 && exec python3 "$@"' small \
	    "$_size" "$_where" "$TESTS/faults/$1.py" "$2" ||
		{ tail -n 20 "$LOG"; fail "$1 $2 on a small disk"; }
}

test_the_deliverer_killed_at_any_system_call_loses_nothing() {
	need strace || return 0
	need_root || return 0
	faulty kill deliverer 200 old
	faulty kill deliverer 200 new
	faulty kill deliverer 300000 old
}

test_the_session_killed_at_any_system_call_loses_nothing() {
	need strace || return 0
	need_root || return 0
	faulty kill session 200 old
	faulty kill session 300000 new
}

test_whatever_call_of_the_deliverer_fails_the_reply_is_right_and_nothing_changes() {
	need strace || return 0
	need_root || return 0
	faulty errors all 200 old
}

test_a_new_mailbox_is_empty_or_absent_after_a_failed_call() {
	need strace || return 0
	need_root || return 0
	faulty errors all 200 new
}

test_the_file_size_limit_at_any_octet_leaves_the_mailbox_as_it_was() {
	need_root || return 0
	faulty full_disk limit
}

test_a_declared_size_is_held_against_the_disk_at_rcpt() {
	need_root || return 0
	on_small_disk "$MAIL" 256 full_disk declared
}

test_a_disk_that_fills_at_any_place_leaves_the_mailbox_as_it_was() {
	need_root || return 0
	on_small_disk "$MAIL" 256 full_disk fill
}

test_a_spool_that_fills_at_any_place_refuses_the_message() {
	need_root || return 0
	on_small_disk "$SPOOL" 2048 full_disk spool
}

test_a_connection_that_ends_at_any_octet_delivers_all_or_nothing() {
	need_root || return 0
	faulty cut close
}

test_a_connection_that_breaks_at_any_octet_delivers_all_or_nothing() {
	need_root || return 0
	faulty cut reset
}

test_what_was_sent_can_be_read_back_octet_for_octet() {
	need_root || return 0
	faulty bytes many 1 60
	faulty bytes split
}

# has quotas: 100 KiB may be used, and 96 of them are.
test_a_quota_refuses_its_own_recipient_at_rcpt() {
	need strace || return 0
	need_root || return 0
	WRAP="strace -f -qq -o /dev/null -e inject=quotactl_fd:retval=0:poke_exit=@arg4=6400000000000000000000000000000000800100000000"
	WRAP="${WRAP}000000000000000000000000000000000000000000000000000000000000000000"
	talk <<-'EOF'
	S: 220 *
	C: EHLO client.example
	S+ 250?*
	C: MAIL FROM:<ann@client.example> SIZE=5000
	S: 250 *
	C: RCPT TO:<joe@mail.example>
	S: 552 5.2.2 *
	C: RSET
	S: 250 *
	C: MAIL FROM:<ann@client.example> SIZE=500
	S: 250 *
	C: RCPT TO:<joe@mail.example>
	S: 250 *
	C: QUIT
	S: 221 *
	LOG *quota is reached*
	EOF
	WRAP=
}

# shellcheck disable=SC1091
. shunit2

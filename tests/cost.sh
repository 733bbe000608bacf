#!/bin/sh
# SPDX-License-Identifier: ISC
# What a session costs, in system calls and instructions, against the ceilings in
# tests/bench/ceilings.  No clock is looked at, so that a busy machine changes nothing.
# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"

CEILINGS=$TESTS/bench/ceilings
# The program without its seccomp filter, under which valgrind cannot work.  And a sanitizer makes
# calls and executes instructions of its own.
COUNTED=$TESTS/../build/count/in.smtpd
case $BIN in */asan/*) BIN=$COUNTED ;; esac

# libc_of PROGRAM: the C library is a part of the cost, and has ceilings of its own
libc_of() {
	if grep -aqE 'GLIBC_2|GNU C Library' "$1"; then echo glibc; else echo musl; fi
}

# hold NAME COST: not more than the ceiling; and where the ceiling has become too high, that is said
hold() {
	_ceiling=$(sed -n "s|^$1  *||p" "$CEILINGS")
	[ -n "$_ceiling" ] || { fail "no ceiling for $1, which costs $2"; return; }
	echo "$1: $2, ceiling $_ceiling"
	[ "$2" -le "$_ceiling" ] || fail "$1 costs $2, and its ceiling is $_ceiling"
	[ -z "$ROOT" ] || [ "$2" -gt $((_ceiling * 3 / 4)) ] ||
		echo "NOTE: $1 costs only $2: its ceiling of $_ceiling can be lowered"
}

# send_to OCTETS USER...: a client that waits for each reply sends a message in lines of 50 octets,
# to mailboxes that have mail already
send_to() {
	_lines=$(($1 / 50))
	shift
	for _user; do deliver_one "$_user"; done
	{
		printf '# timeout: 60\nS: 220 *\nC: EHLO client.example\nS+ 250?*\nSYNC\n'
		printf 'C: MAIL FROM:<sender@client.example>\nS: 250 *\nSYNC\n'
		for _user; do printf 'C: RCPT TO:<%s@mail.example>\nS: 250 *\nSYNC\n' "$_user"; done
		printf 'C: DATA\nS: 354 *\nSYNC\nC: Subject: counted\nC:\n'
		printf 'C- \\{%d:A line of forty-eight octets, which says nothing.\\r\\n}\n' "$_lines"
		printf 'C: .\nS: 250 2.6.0 *\nSYNC\nC: QUIT\nS: 221 *\nEND\n'
		for _user; do printf 'MBOX %s 2\n' "$_user"; done
	} >"$SCRATCH/dialogue"
	WRAP=$COUNTER
	play_once '' "$SCRATCH/dialogue" || fail 'the message was not taken'
	WRAP=''
}

# Calls of both processes, each once even where another process interrupted it in the trace.
count_calls() {
	grep -cE "^[0-9]+ +($1)\\(" "$SCRATCH/trace"
}

test_a_session_with_one_message_makes_few_system_calls() {
	need strace || return 0
	COUNTER="strace -f -qq -o $SCRATCH/trace"
	send_to 4000 joe
	hold "session-calls/$(libc_of "$BIN")" "$(count_calls '[a-z0-9_]+')"
	assertEquals 'exec' 1 "$(count_calls execve)"
	assertEquals 'fork' 1 "$(count_calls 'v?fork|clone3?')"
	assertEquals 'sync' 1 "$(count_calls 'f(data)?sync|sync.*')"
}

test_each_mailbox_costs_one_sync() {
	need strace || return 0
	COUNTER="strace -f -qq -o $SCRATCH/trace"
	send_to 4000 joe ann jane
	assertEquals 'sync' 3 "$(count_calls 'f(data)?sync|sync.*')"
	assertEquals 'fork' 1 "$(count_calls 'v?fork|clone3?')"
}

# valgrind's lackey, and not callgrind: a process in an empty root can write no file at its end,
# but it can say a number.  Both say what they did since the start, before the fork included.
count_instructions() {
	sed -n 's/,//g; s/^==[0-9]*== *guest instrs: *\([0-9]*\)$/\1/p' "$SCRATCH/counted" |
		awk '{ sum += $1; n++ } END { print n == 2 ? sum : "not two processes" }'
}

count_message() {
	need valgrind || return 0
	[ -x "$COUNTED" ] || { fail "$COUNTED is not there: make build/count/in.smtpd"; return; }
	_tested=$BIN BIN=$COUNTED
	COUNTER="valgrind --tool=lackey --basic-counts=yes --log-file=$SCRATCH/counted"
	rm -f "$SCRATCH/counted"
	send_to "$2" joe
	BIN=$_tested
	hold "$1/$(libc_of "$COUNTED")" "$(count_instructions)"
}

test_a_session_with_one_message_executes_few_instructions() {
	count_message session-instructions 4000
}

test_a_message_of_a_megabyte_executes_few_instructions() {
	count_message megabyte-instructions 1000000
}

# shellcheck disable=SC1091
. shunit2

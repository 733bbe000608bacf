#!/bin/sh
# SPDX-License-Identifier: ISC
# What the compiler and the linker were asked for is in the program: it is position-independent,
# its tables are read-only, its stack is guarded, and with musl it is one small static file.
# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"

# Of 120 KB, with liblockfile in it.
SIZE_LIMIT=122880

# is_with KIND: asan, musl (static), glibc (static), shared
is_with() {
	case $1 in
	asan) grep -q __asan_init "$BIN" ;;
	musl) is_static && ! grep -q __libc_early_init "$BIN" && ! grep -q GLIBC_ "$BIN" ;;
	glibc) is_static && ! is_with musl ;;
	shared) ! is_static ;;
	esac
}

is_static() {
	! readelf -lW "$BIN" | grep -q ' INTERP '
}

suite() {
	suite_addTest test_it_is_position_independent
	suite_addTest test_nothing_in_it_can_be_written_and_executed
	is_with asan && return
	suite_addTest test_its_tables_are_bound_at_the_start_and_read_only_then
	suite_addTest test_its_stack_is_guarded
	suite_addTest test_calls_of_glibc_that_write_are_checked
	suite_addTest test_where_functions_begin_is_marked
	is_with musl || return
	suite_addTest test_the_static_program_with_musl_is_below_120_kb
}

test_it_is_position_independent() {
	assertTrue 'type' "readelf -hW '$BIN' | grep -q 'Type: *DYN'"
	assertFalse 'text relocations' "readelf -dW '$BIN' | grep -q TEXTREL"
}

test_nothing_in_it_can_be_written_and_executed() {
	assertTrue 'no readelf' "readelf -lW '$BIN' | grep -q ' LOAD .* R E '"
	assertEquals 'segments' '' "$(readelf -lW "$BIN" | grep ' RWE ')"
	assertEquals 'sections' '' "$(readelf -SW "$BIN" | grep ' WA*X[A-Z]* ')"
	assertTrue 'the stack' "readelf -lW '$BIN' | grep -q ' GNU_STACK .* RW  '"
}

test_its_tables_are_bound_at_the_start_and_read_only_then() {
	assertTrue 'RELRO' "readelf -lW '$BIN' | grep -q ' GNU_RELRO '"
	assertTrue 'NOW' "readelf -dW '$BIN' | grep -q BIND_NOW"
	# No part of the table of addresses stays outside, to be bound later.
	assertEquals 'writable tables' '' "$(readelf -SW "$BIN" | grep '\.got\.plt' |
	    grep -v ' 000018 ')"
}

# main has an array on its stack.
test_its_stack_is_guarded() {
	objdump -d "$BIN" --disassemble=main >"$SCRATCH/main"
	assertTrue 'no guard in main' "grep -q '<__stack_chk_fail' '$SCRATCH/main'"
}

# musl has no such checks.
test_calls_of_glibc_that_write_are_checked() {
	if is_with musl; then
		assertEquals '' "$(readelf -sW "$BIN" | grep '_chk$')"
	else
		assertTrue "readelf -sW '$BIN' | grep -q ' __v*snprintf_chk'"
	fi
}

# So that a processor and a system that look after it (Intel's IBT) find no other place to jump to.
test_where_functions_begin_is_marked() {
	[ "$(uname -m)" = x86_64 ] || { skip 'only x86 has such marks'; return; }
	objdump -d "$BIN" --disassemble=main >"$SCRATCH/main"
	assertTrue 'not in main' "grep -A 1 '<main>:' '$SCRATCH/main' | grep -q endbr64"
}

test_the_static_program_with_musl_is_below_120_kb() {
	strip -o "$SCRATCH/stripped" "$BIN"
	size=$(stat -c %s "$SCRATCH/stripped")
	echo "it has $size octets"
	assertTrue "it has $size octets" "[ $size -lt $SIZE_LIMIT ]"
	assertEquals 'it needs' '' "$(readelf -dW "$BIN" | grep NEEDED)"
	WRAP='' BIN=$SCRATCH/stripped deliver_one joe
	assertEquals 1 "$(mailbox_messages joe)"
}

# shellcheck disable=SC1091
. shunit2

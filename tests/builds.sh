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
	suite_addTest test_a_long_environment_leaves_the_session_its_stack
	is_static || return
	suite_addTest test_no_environment_changes_an_octet_of_a_static_program
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

# in_environment [NAME=VALUE...]: one session, and what was said and stored in it, without its times
# and ids, in $SCRATCH/session
in_environment() {
	fresh_mail
	cat >"$SCRATCH/one" <<-'EOF'
	S: 220 *
	C: EHLO client.example
	S+ 250?*
	C: MAIL FROM:<sender@client.example>
	S: 250 *
	C: RCPT TO:<joe+x@mail.example>
	S: 250 *
	C: RCPT TO:<nobody.here@mail.example>
	S: 550 *
	C: VRFY smith
	S+ 553?*
	C: DATA
	S: 354 *
	C: From here
	C: .
	S: 250 *
	C: QUIT
	S: 221 *
	END
	EOF
	WRAP=${1:+env $*}
	play_once "-a -r $SCRATCH/said" "$SCRATCH/one" || fail "with ${1:-nothing}, $# in all"
	WRAP=''
	cat "$SCRATCH/said" "$MAIL/joe" "$LOG" |
		sed -E 's/[0-9A-F]{9,}\.[0-9A-F]+/ID/g; s/(Mon|Tue|Wed|Thu|Fri|Sat|Sun),? .*/DATE/
		    s/(duration|delay)=.*/TOOK/' >"$SCRATCH/session"
}

# The kernel's first 128 KiB of stack are nearly full of pointers then, more or less by chance.
test_a_long_environment_leaves_the_session_its_stack() {
	for count in $(seq 15500 50 15950); do
		# shellcheck disable=SC2046  # many words
		in_environment $(seq -f 'V%g=' "$count")
	done
}

# What the loader would load, and what the C library would ask for.
test_no_environment_changes_an_octet_of_a_static_program() {
	evil=$SCRATCH/evil.so
	echo 'extern int puts(const char *); extern void _exit(int);
	unsigned la_version(unsigned version) { return (version); }
	__attribute__((constructor)) static void speak(void) { puts("obeyed"); _exit(42); }' |
		cc -shared -fPIC -o "$evil" -x c - || fail 'no library'
	mkdir -p "$SCRATCH/evil"
	ln -sf "$evil" "$SCRATCH/evil/libc.so.6"
	for variable in "LD_PRELOAD=$evil" "LD_AUDIT=$evil"; do
		env "$variable" python3 -c '' >/dev/null 2>&1
		assertEquals "another program and $variable" 42 $?
	done
	in_environment
	mv "$SCRATCH/session" "$SCRATCH/session-without"
	for variables in "LD_PRELOAD=$evil" "LD_AUDIT=$evil" \
	    "LD_LIBRARY_PATH=$SCRATCH/evil LD_BIND_NOW=1 LD_DEBUG=all LD_SHOW_AUXV=1" \
	    "LD_TRACE_LOADED_OBJECTS=1 LD_PROFILE=$evil LD_ORIGIN_PATH=$SCRATCH/evil" \
	    'GLIBC_TUNABLES=glibc.malloc.check=3:glibc.malloc.perturb=165:glibc.rtld.nns=99' \
	    'MALLOC_PERTURB_=165 MALLOC_CHECK_=3 MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=1' \
	    "MALLOC_TRACE=$SCRATCH/trace GCONV_PATH=$SCRATCH/evil LOCPATH=$SCRATCH/evil"; do
		# shellcheck disable=SC2086  # one or more
		in_environment $variables
		assertTrue "with $variables" \
		    "diff '$SCRATCH/session-without' '$SCRATCH/session'"
	done
	assertFalse 'it traces' "[ -e '$SCRATCH/trace' ]"
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

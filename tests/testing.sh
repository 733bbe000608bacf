#!/bin/sh
# SPDX-License-Identifier: ISC
# The tests' own tools: what fails is counted as failed, and nothing that did not run as passed.
# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"

# area NAME, its text on standard input: in a tree of its own, with the real tools.  Its tests are
# called check_ here, or shunit2 would take them for tests of this file.
area() {
	if [ ! -d "$SCRATCH/tree/tests" ]; then
		mkdir -p "$SCRATCH/tree/tests" || return
		cp "$TESTS/run" "$TESTS/lib.sh" "$TESTS/talk" "$SCRATCH/tree/tests"
	fi
	# shellcheck disable=SC2016  # it is for that file
	{
		echo '. "${0%/*}/lib.sh"'
		sed 's/^check_/test_/'
		echo '. shunit2'
	} >"$SCRATCH/tree/tests/$1.sh"
}

# run_areas NAME...: sets $report and $status
run_areas() {
	report=$(TMPDIR=$SCRATCH BINS=$BIN SHUNIT_PARENT='' TESTS='' \
	    sh "$SCRATCH/tree/tests/run" "$@" 2>&1)
	status=$?
}

assert_counts() {
	assertEquals "$report" "$1" "$(echo "$report" | tail -n 1)"
}

tearDown() {
	rm -rf "$SCRATCH/tree"
}

test_every_test_is_counted_as_what_it_is() {
	area good <<-'EOF'
	check_good() { assertTrue true; }
	check_with_an_assert_in_a_loop() { for i in 1 2 3; do assertEquals $i $i; done; }
	EOF
	area mixed <<-'EOF'
	check_bad() { echo a hint; assertEquals 1 2; }
	check_without_root() { skip 'no luck'; assertTrue false; }
	check_good() { assertTrue true; }
	EOF
	run_areas good mixed
	assert_counts '3 passed, 1 failed, 1 skipped'
	assertEquals 'exit status' 1 $status
	assertTrue 'the failure is named' "echo '$report' | grep -q '^FAILED  mixed[a-z-]*: bad\$'"
	assertTrue 'its hint' "echo '$report' | grep -q 'a hint'"
	assertTrue 'why it was skipped' \
	    "echo '$report' | grep -q '^SKIP    mixed[a-z-]*: without root (no luck)\$'"
	run_areas good
	assert_counts '2 passed, 0 failed'
	assertEquals 'exit status' 0 $status
}

test_an_area_that_dies_counts_as_failed() {
	area dies <<-'EOF'
	check_first() { assertTrue true; }
	check_second() { kill -KILL $$; }
	check_third() { assertTrue true; }
	EOF
	run_areas dies
	assertEquals "exit status; $report" 1 $status
	assertFalse "$report" "echo '$report' | tail -n 1 | grep -q ' 0 failed'"
}

test_an_area_that_leaves_early_counts_as_failed() {
	area leaves <<-'EOF'
	check_first() { assertTrue true; }
	check_second() { exit 0; }
	check_third() { assertTrue true; }
	EOF
	run_areas leaves
	assertEquals "exit status; $report" 1 $status
	assertFalse "$report" "echo '$report' | tail -n 1 | grep -q ' 0 failed'"
}

test_an_area_without_a_test_counts_as_failed() {
	area empty <<-'EOF'
	helper() { assertTrue true; }
	EOF
	run_areas empty
	assertEquals "exit status; $report" 1 $status
	assert_counts '0 passed, 1 failed'
}

test_an_area_that_is_not_there_counts_as_failed() {
	area good <<-'EOF'
	check_good() { assertTrue true; }
	EOF
	run_areas good nowhere
	assertEquals "exit status; $report" 1 $status
	assert_counts '1 passed, 1 failed'
}

test_an_area_that_hangs_is_ended_and_counts_as_failed() {
	area hangs <<-'EOF'
	check_hanging() { sleep 30; }
	EOF
	AREA_TIMEOUT=1
	export AREA_TIMEOUT
	run_areas hangs
	unset AREA_TIMEOUT
	assertEquals "exit status; $report" 1 $status
}

# unlike REASON [ARGUMENT...]: the dialogue on standard input does not go as it says.
unlike() {
	_reason=$1
	shift
	cat >"$SCRATCH/dialogue"
	if play_once '' "$SCRATCH/dialogue" "$@" >"$SCRATCH/said" 2>&1; then
		fail "not noticed: $_reason"
	fi
	grep -q "$_reason" "$SCRATCH/said" || { cat "$SCRATCH/said"; fail "not said: $_reason"; }
}

test_talk_notices_what_goes_otherwise() {
	unlike 'got: *250 2.0.0 Ok' <<-'EOF'
	S: 220 *
	C: NOOP
	S: 500 *
	EOF
	unlike 'expected: a line 250.FLYING' <<-'EOF'
	S: 220 *
	C: EHLO x
	S+ 250?FLYING
	EOF
	unlike 'the connection was closed' <<-'EOF'
	S: 220 *
	C: QUIT
	S: 221 *
	S: 250 *
	EOF
	unlike 'the connection is closed' <<-'EOF'
	S: 220 *
	C: NOOP
	C: NOOP
	S: 250 *
	EOF
	unlike 'the time is up' <<-'EOF'
	# timeout: 1
	S: 220 *
	S: 250 *
	EOF
	unlike 'there is' <<-'EOF'
	S: 220 *
	C: QUIT
	S: 221 *
	END
	MBOX joe 1
	EOF
	unlike 'the command ended with 3' <<-'EOF'
	S: 220 *
	RUN exit 3
	EOF
}

# a_receiver TEXT: one that says this, as the program under test
a_receiver() {
	printf '#!/bin/sh\n%s\n' "$1" >"$SCRATCH/receiver"
	chmod 755 "$SCRATCH/receiver"
	WRAP=$SCRATCH/receiver
}

test_talk_accounts_for_every_octet_of_a_reply() {
	a_receiver 'printf "220 x\n"'
	unlike 'must end in CR LF' <<-'EOF'
	S: 220 *
	END
	EOF
	a_receiver 'printf "220 x\r\n250"'
	unlike 'in the middle of a reply' <<-'EOF'
	S: 220 *
	END
	EOF
	a_receiver 'printf "220 %600s\r\n" x'
	unlike 'has 512' <<-'EOF'
	S: 220 *
	END
	EOF
	a_receiver 'printf "220 x\r\n500 What\r\n"'
	unlike 'enhanced code' <<-'EOF'
	S: 220 *
	S: 500 *
	END
	EOF
	a_receiver 'printf "220 x\r\n500 2.0.0 What\r\n"'
	unlike 'enhanced code' <<-'EOF'
	S: 220 *
	S: 500 *
	END
	EOF
	a_receiver 'printf "220 x\r\n"; echo "x.c:1: runtime error: shift" >&2'
	unlike 'a sanitizer' <<-'EOF'
	S: 220 *
	END
	EOF
	a_receiver 'printf "220 x\r\n"; kill -SEGV $$'
	unlike 'died of signal 11' <<-'EOF'
	S: 220 *
	END
	EOF
	a_receiver 'sleep 8 >/dev/null <&1 2>&1 & exec 2>&-; printf "220 x\r\n"'
	unlike 'outlived the session' <<-'EOF'
	S: 220 *
	END
	EOF
	WRAP=''
}

# shellcheck disable=SC1091
. shunit2

#!/bin/sh
# SPDX-License-Identifier: ISC
# What the program is started with: descriptors that are closed, a hostile environment, strange
# arguments.
# shellcheck source=tests/lib.sh
. "${TESTS:-${0%/*}/..}/lib.sh"
export BIN USUAL

# attack TEST: it must not work.
attack() {
	: >"$LOG"
	timeout -k 1 120 python3 "$TESTS/hostile/start.py" "$@" ||
		{ tail -n 5 "$LOG"; fail "start $*"; }
}

test_with_0_or_1_closed_it_ends_and_with_2_closed_it_works() {
	attack descriptors
}

test_whatever_stands_in_the_environment_a_session_goes_as_ever() {
	attack environment
}

test_a_strange_command_line_is_answered_421() {
	attack arguments
}

# shellcheck disable=SC1091
. shunit2

#!/bin/sh
# SPDX-License-Identifier: ISC
# What the program is started with: descriptors that are closed, a hostile environment, strange
# arguments.
# shellcheck source=tests/lib.sh
. "${TESTS:-${0%/*}/..}/lib.sh"

# attack TEST: it must not work.
attack() {
	: >"$LOG"
	attack_with 120 start "$@"
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

#!/bin/sh
# SPDX-License-Identifier: ISC
# SMTP smuggling: whatever looks like an end of data and is none, however it is cut, one message in
# is at most one message stored, and replies stay in step.
# shellcheck source=tests/lib.sh
. "${TESTS:-${0%/*}/..}/lib.sh"

# smuggle TEST: with both settings of bare-newline; nothing may come through.
smuggle() {
	for _setting in reject accept; do
		fresh_mail
		attack_with 120 smuggling "$1" $_setting
	done
}

test_only_cr_lf_dot_cr_lf_ends_the_data_of_all_that_cr_lf_and_nul_can_be_around_a_dot() {
	smuggle all
}

test_no_cut_at_any_octet_makes_an_end_of_data() {
	smuggle split
}

test_nothing_but_cr_lf_parts_two_commands() {
	smuggle commands
}

# shellcheck disable=SC1091
. shunit2

#!/bin/sh
# SPDX-License-Identifier: ISC
# What a client says has no effect on the shape of replies, of the log and of a mailbox, and names
# no file, option or program.
# shellcheck source=tests/lib.sh
. "${TESTS:-${0%/*}/..}/lib.sh"

# inject TEST: it must not work.
inject() {
	: >"$LOG"
	attack_with 120 injection "$@"
}

test_no_octet_of_a_clients_changes_the_shape_of_replies_log_or_mailbox() {
	inject octets
}

test_a_recipient_is_never_an_option_a_path_or_a_program() {
	inject names
}

# shellcheck disable=SC1091
. shunit2

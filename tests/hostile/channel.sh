#!/bin/sh
# SPDX-License-Identifier: ISC
# A session that is taken over speaks to the deliverer: garbage, forged records, any order, replays.
# shellcheck source=tests/lib.sh
. "${TESTS:-${0%/*}/..}/lib.sh"

# attack TEST: it must not work.
attack() {
	attack_with 240 channel "$@"
}

test_garbage_on_the_channel_ends_the_deliverer_and_changes_no_mailbox() {
	need_root || return 0
	attack garbage
}

test_a_record_with_one_wrong_field_ends_the_deliverer() {
	need_root || return 0
	attack wrong_fields
}

test_records_in_any_order_and_replays_add_whole_messages_or_nothing() {
	need_root || return 0
	attack any_order
}

# shellcheck disable=SC1091
. shunit2

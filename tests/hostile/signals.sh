#!/bin/sh
# SPDX-License-Identifier: ISC
# Signals to either process at any moment of a session: nothing is half delivered.
# shellcheck source=tests/lib.sh
. "${TESTS:-${0%/*}/..}/lib.sh"

# attack TEST: it must not work.
attack() {
	attack_with 240 signals "$@"
}

test_a_request_to_stop_ends_the_session_with_421_or_after_the_delivery() {
	need_root || return 0
	need strace || return 0
	attack stop
}

test_the_last_421_arrives_where_a_stop_ends_the_wait_for_a_lock() {
	need_root || return 0
	attack unread
}

test_signals_that_mean_nothing_here_change_nothing() {
	need_root || return 0
	need strace || return 0
	attack ignore
}

test_a_process_that_is_stopped_and_goes_on_delivers() {
	need_root || return 0
	need strace || return 0
	attack sleep
}

# shellcheck disable=SC1091
. shunit2

#!/bin/sh
# SPDX-License-Identifier: ISC
# Clients that send without end, or hardly at all: deadlines hold, memory stays flat, and errors
# cost the client time.
# shellcheck source=tests/lib.sh
. "${TESTS:-${0%/*}/..}/lib.sh"

# attack TEST: it must not work.
attack() {
	attack_with 120 floods "$@"
}

test_a_deadline_holds_however_much_there_is_to_be_read() {
	attack deadlines
}

test_memory_stays_flat_and_421_comes_while_a_flood_goes_on() {
	attack memory
}

test_a_request_to_stop_is_heard_while_a_client_never_pauses() {
	attack stops
}

test_an_octet_now_and_then_keeps_no_session_past_session_timeout() {
	attack drips
}

test_past_the_tenth_every_kind_of_refusal_costs_a_pause() {
	attack delay
}

test_every_kind_of_refusal_counts_against_error_limit() {
	attack limit
}

# shellcheck disable=SC1091
. shunit2

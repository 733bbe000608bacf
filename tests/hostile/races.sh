#!/bin/sh
# SPDX-License-Identifier: ISC
# Users who change what mailboxes and locks are while mail comes: files, links of both kinds, pipes,
# directories and devices, made, renamed and removed.  Nothing outside is ever written or made.
# shellcheck source=tests/lib.sh
. "${TESTS:-${0%/*}/..}/lib.sh"
SHUNIT_PARENT=$TESTS/hostile/races.sh

# race WHERE: for so long; tests/soak/races.sh has more time.
race() {
	attack_with 300 races "$1" "${RACE_SECONDS:-5}"
	rm -rf "$SCRATCH/safe" "$HOMES/joe" "$HOMES/ann"
	make_users >"$PASSWD"
}

test_a_user_who_races_in_his_home_reaches_nothing_outside() {
	need_root || return 0
	race homes
}

test_a_user_who_races_in_a_directory_for_all_reaches_nothing_outside() {
	need_root || return 0
	race shared
}

# shellcheck disable=SC1091
. shunit2

#!/bin/sh
# SPDX-License-Identifier: ISC
# A delivery that takes minutes, on a disk that slow: its dotlocks stay young.
#
# Dovecot takes a dotlock of two minutes for forgotten, and liblockfile one of five where the
# process cannot be asked.  To see it fail, leave touch_dotlocks() out.
# shellcheck disable=SC2119 # talk needs no arguments
# shellcheck source=tests/lib.sh
. "${TESTS:-${0%/*}/..}/lib.sh"

# deliver_slowly CALL: to three mailboxes, with 42 seconds for each of these calls.  The age
# of the oldest dotlock is looked at all the while.
deliver_slowly() {
	need strace || return 0
	for _user in 'joe 20001' 'ann 20002' 'jane 20004'; do
		: >"$MAIL/${_user% *}"
		[ -z "$ROOT" ] || chown "${_user#* }:8" "$MAIL/${_user% *}"
	done
	WRAP="strace -f -qq -o $SCRATCH/trace -e trace=$1 -e inject=$1:delay_enter=42000000"
	while sleep 1; do
		for _lock in "$MAIL"/*.lock; do
			[ ! -e "$_lock" ] || echo $(($(date +%s) - $(stat -c %Y "$_lock"))) "$_lock"
		done
	done 2>/dev/null >"$SCRATCH/ages" &
	_watcher=$!
	talk <<-'EOF'
	# timeout: 400
	S: 220 *
	C: HELO client.example
	C: MAIL FROM:<sender@client.example>
	C: RCPT TO:<joe@mail.example>
	C: RCPT TO:<ann@mail.example>
	C: RCPT TO:<jane@mail.example>
	C: DATA
	S: 250 *
	S: 250 *
	S: 250 *
	S: 250 *
	S: 250 *
	S: 354 *
	C: Subject: slow
	C: .
	S: 250 2.6.0 *
	MBOX joe 1
	MBOX ann 1
	MBOX jane 1
	EOF
	WRAP=''
	kill "$_watcher"
	wait "$_watcher" 2>/dev/null
	_oldest=$(sort -n "$SCRATCH/ages" | tail -n 1)
	assertTrue 'it was not slow' "[ $(wc -l <"$SCRATCH/ages") -gt 200 ]"
	assertTrue "a dotlock that old: $_oldest" "[ ${_oldest%% *} -lt 118 ]"
}

test_dotlocks_stay_young_while_writing_takes_minutes() {
	deliver_slowly writev
}

test_dotlocks_stay_young_while_syncing_takes_minutes() {
	deliver_slowly fsync
}

# shellcheck disable=SC1091
. shunit2

#!/bin/sh
# SPDX-License-Identifier: ISC
# Every file under dialogues/ is a test: what is said there is what in.smtpd says, whatever way the
# client cuts its octets into writes.  (No pause for errors: many of them are full of these.)
# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"

names=''
for dialogue in "$TESTS"/dialogues/*; do
	[ -f "$dialogue" ] || continue
	name=test_$(basename "$dialogue" | tr -c 'A-Za-z0-9\n' _)
	eval "$name() { play \"\$TESTS/dialogues/${dialogue##*/}\" -o error-delay=0; }"
	names="$names $name"
done

suite() {
	for name in $names; do
		suite_addTest "$name"
	done
}

# shellcheck disable=SC1091
. shunit2

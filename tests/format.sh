#!/bin/sh
# SPDX-License-Identifier: ISC
# What stands in for printf(3) in the program with musl (format.c) writes what printf writes.
# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"

TREE=$TESTS/..

# A program that prints a lot, once with the C library of cc and once with format.c.
test_what_is_written_is_what_printf_writes() {
	need cc && need musl-gcc || return 0
	cat >"$SCRATCH/prints.c" <<-'EOF'
	#include <limits.h>
	#include <stdio.h>
	#include <string.h>
	int main(void)
	{
		static const char *const words[] = { "", "a", "ab c", "octets and octets" };
		static const long long numbers[] = { 0, 1, -1, 9, 10, -10, 255, 1000000, INT_MIN,
		    INT_MAX, UINT_MAX, LLONG_MIN, LLONG_MAX };
		char text[64];
		for (size_t i = 0; i < 4; i++) {
			const char *w = words[i];
			dprintf(1, "[%s] [%5s] [%-5s] [%.2s] [%8.3s] [%-20s] [%.*s]\n", w, w, w, w, w, w, 3, w);
			for (size_t size = 0; size < 12; size++) {
				memset(text, '#', sizeof(text));
				int n = snprintf(text, size, "<%s|%d>", w, (int)size);
				dprintf(1, "%d %.*s\n", n, 14, text);
			}
			int n = sprintf(text, "%s.%c%%%s", w, 'x', w);
			dprintf(1, "%d %s\n", n, text);
		}
		for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
			long long n = numbers[i];
			dprintf(1, "%d %u %x %X %02d %2d %-6d| %06d %0*d %*d\n", (int)n, (unsigned)n,
			    (unsigned)n, (unsigned)n, (int)n, (int)n, (int)n, (int)n, 5, (int)n, 7, (int)n);
			dprintf(1, "%ld %lu %lX %lld %llu %llX %zu %03lld %0*x%s\n", (long)n, (unsigned long)n,
			    (unsigned long)n, n, (unsigned long long)n, (unsigned long long)n, (size_t)n, n, 1,
			    (unsigned)n & 15, "host");
		}
		for (int i = 0; i < 2000; i++)
			dprintf(1, "%s%d ", words[3], i);
		static char large[3000];
		memset(large, 'l', sizeof(large) - 1);
		return (dprintf(1, "%s\n", large) != 3000);
	}
	EOF
	cc -w -o "$SCRATCH/with-libc" "$SCRATCH/prints.c" || fail 'it does not build'
	musl-gcc -std=c11 -D_GNU_SOURCE -w -static -fno-builtin -o "$SCRATCH/with-format" \
	    "$SCRATCH/prints.c" "$TREE/format.c" || fail 'it does not build with format.c'
	"$SCRATCH/with-libc" >"$SCRATCH/wanted"
	assertEquals 'status' 0 $?
	"$SCRATCH/with-format" >"$SCRATCH/got"
	assertEquals 'status' 0 $?
	assertTrue 'much was written' "[ $(wc -c <"$SCRATCH/wanted") -gt 40000 ]"
	diff "$SCRATCH/wanted" "$SCRATCH/got" || fail 'it differs'
}

# A conversion that is not known would be written as it stands.
test_every_conversion_that_is_used_is_known() {
	cat "$TREE"/*.c "$TREE"/*.h | grep -o '"[^"]*%[^"]*"' | grep -o '%[-0-9.*]*[a-zA-Z%]*' |
	    sed 's/\(%[-0-9.*lz]*[a-zA-Z%]\).*/\1/' | sort -u >"$SCRATCH/used"
	assertTrue 'some are' "[ $(wc -l <"$SCRATCH/used") -ge 10 ]"
	assertEquals '' "$(grep -vE '^%-?0?([0-9]+|\*)?(\.([0-9]+|\*))?(l|ll|z)?[cdsuxX%h]$|^%$' \
	    "$SCRATCH/used")"
}

# shellcheck disable=SC1091
. shunit2

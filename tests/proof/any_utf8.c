/* SPDX-License-Identifier: ISC */
/*
 * options: -eva-precision 3 -eva-slevel 300
 * broken: parse.c s/if (n > text.length)/if (n > text.length + 1)/
 */
/*
 * What tells a character of UTF-8, given any text of up to MOST octets that
 * ends where its array ends: it reads none behind, and says no more than
 * there are.
 */
#include "parse.c"

#include <__fc_builtin.h>

#define MOST	6

static char octets[MOST];

int
main(void)
{
	size_t n = Frama_C_unsigned_long_interval(0, MOST), length;
	struct slice text = { octets + (MOST - n), n };

	Frama_C_make_unknown(octets, sizeof(octets));
	/*@ split n; */
	text.at = octets + (MOST - n);
	text.length = n;
	length = utf8_length(text);
	/*@ assert length <= n; */
	return (0);
}

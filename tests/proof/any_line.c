/* SPDX-License-Identifier: ISC */
/*
 * options: -eva-precision 0 -eva-interprocedural-splits -eva-split-limit 300
 * options: -eva-split-return full -eva-slevel-function parse_literal:20
 * smaller: parse.h s,\(#define LOCAL_PART_LIMIT\).*,\1 4,
 * smaller: parse.h s,\(#define DOMAIN_LIMIT\).*,\1 8,
 * smaller: parse.h s,\(#define LABEL_LIMIT\).*,\1 3,
 * smaller: parse.h s,\(#define PATH_LIMIT\).*,\1 9,
 * smaller: parse.h s,\(#define ADDRESS_LITERAL_LIMIT\).*,\1 1,
 * broken: parse.c s/if (n > LOCAL_PART_LIMIT)/if (n > LOCAL_PART_LIMIT + 1)/
 * broken: parse.c s/if (n + length >= LOCAL_PART_LIMIT)/if (n + length > LOCAL_PART_LIMIT + 2)/
 * broken: parse.c s/text.length > ADDRESS_LITERAL_LIMIT/text.length > ADDRESS_LITERAL_LIMIT + 1/
 * broken: parse.c s/if (text->length == 0 || !is_let_dig/if (!is_let_dig/
 */
/*
 * Every function of the parser, given any ASCII text of up to MOST octets; those
 * of 8 bits are told apart by utf8_length() alone, see any_utf8.c.  The text
 * ends where its array ends, so that no octet behind it can be read
 * unnoticed; and what is left of it is analysed for each length by itself
 * (the split in advance()).  It is done with the limits as they are, and
 * with small ones, that texts of this length can pass.
 */
#include "parse.c"

#include <__fc_builtin.h>

#ifndef MOST
#define MOST	12
#endif

static char octets[MOST];

static struct slice
any_text(void)
{
	struct slice text = { octets, MOST };

	size_t i;

	for (i = 0; i < MOST; i++)
		octets[i] = Frama_C_char_interval(0, 127);
	advance(&text, Frama_C_unsigned_long_interval(0, MOST));
	return (text);
}

static void
try_path(void)
{
	struct slice text = any_text();
	enum path_kind kind = Frama_C_interval(REVERSE_PATH, FORWARD_PATH);
	struct path path;

	if (parse_path(&text, kind, &path) != PATH_FINE)
		return;
	/*@ assert path.local_part_length <= LOCAL_PART_LIMIT; */
}

static void
try_parameter(void)
{
	struct slice text = any_text();
	struct parameter parameter;

	(void)parse_parameter(&text, &parameter);
}

static void
try_command(void)
{
	struct slice verb, argument;

	parse_command(any_text(), &verb, &argument);
}

static void
try_rest(void)
{
	struct slice text = any_text();
	struct address address;
	uint64_t number;

	(void)has_control(text);
	(void)equal_fold(text, text);
	(void)is_domain(text);
	(void)parse_literal(text, &address);
	(void)parse_number(text, &number);
	(void)skip_prefix(&text, "FROM:");
}

int
main(void)
{
	switch (Frama_C_interval(0, 3)) {
	case 0:
		try_path();
		break;
	case 1:
		try_parameter();
		break;
	case 2:
		try_command();
		break;
	default:
		try_rest();
	}
	return (0);
}

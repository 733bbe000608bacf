/* SPDX-License-Identifier: ISC */
/*
 * sources: parse.c
 * broken: parse.c s/if (n > LOCAL_PART_LIMIT)/if (n > LOCAL_PART_LIMIT + 9)/
 * broken: parse.c s/if (text.length < 2 ||/if (/
 */
/* The parser: no octet beyond a text is read, and no limit is passed. */
#include "../../parse.h"

#include <stdlib.h>
#include <string.h>

int	LLVMFuzzerTestOneInput(const uint8_t *octets, size_t size);

static void
need(bool holds)
{
	if (!holds)
		abort();
}

/* Is PART within TEXT, or empty? */
static bool
is_within(struct slice part, struct slice text)
{
	return (part.length == 0 || (part.at >= text.at &&
	    part.at + part.length <= text.at + text.length));
}

static void
try_path(struct slice text, enum path_kind kind)
{
	struct slice rest = text;
	struct parameter parameter;
	struct path path;

	if (parse_path(&rest, kind, &path) != PATH_FINE)
		return;
	need(rest.at + rest.length == text.at + text.length);
	need(rest.length == 0 || rest.at[-1] == ' ');
	need(path.local_part_length <= LOCAL_PART_LIMIT);
	need(path.domain.length <= DOMAIN_LIMIT);
	need(path.mailbox.length <= PATH_LIMIT);
	need(is_within(path.domain, text) && is_within(path.mailbox, text));
	need(!path.is_null || (kind == REVERSE_PATH &&
	    path.local_part_length == 0 && path.domain.length == 0));
	need(path.is_null || path.local_part_length > 0);
	need(!has_control(path.mailbox));
	need(path.literal.family == 0 || path.domain.at[0] == '[');
	while (parse_parameter(&rest, &parameter)) {
		need(parameter.keyword.length > 0);
		need(is_within(parameter.keyword, text));
		need(is_within(parameter.value, text));
		need(rest.at + rest.length == text.at + text.length);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *octets, size_t size)
{
	char *copy = malloc(size + 1);	/* of its own, so that its end counts */
	struct slice text = { copy + 1, size }, verb, argument;
	struct address address;
	uint64_t number;

	memcpy(copy + 1, octets, size);
	parse_command(text, &verb, &argument);
	need(is_within(verb, text) && is_within(argument, text));
	need(memchr(verb.at, ' ', verb.length) == NULL);
	need(argument.length == 0 || argument.at[0] != ' ');
	try_path(text, REVERSE_PATH);
	try_path(text, FORWARD_PATH);
	if (skip_prefix(&argument, TEXT("FROM:")) || skip_prefix(&argument, TEXT("TO:")))
		try_path(argument, verb.length % 2 ? REVERSE_PATH : FORWARD_PATH);
	need(!is_domain(text) || text.length <= DOMAIN_LIMIT);
	need(!parse_literal(text, &address) || address.family == 4 ||
	    address.family == 6);
	need(parse_number(text, &number) || number == 0 || number == UINT64_MAX);
	free(copy);
	return (0);
}

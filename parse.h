/* SPDX-License-Identifier: ISC */
/*
 * The grammar of RFC 5321 4.1.2: octets in, result out.  No input, no
 * output, no settings, no heap.  Everything points into the caller's line
 * (struct slice) and lives as long as that; no slice ends with a NUL.
 */
#ifndef PARSE_H
#define PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOCAL_PART_LIMIT	64	/* RFC 5321 4.5.3.1.1 */
#define DOMAIN_LIMIT		255	/* 4.5.3.1.2 */
#define LABEL_LIMIT		63	/* RFC 1035 2.3.4 */
#define PATH_LIMIT		256	/* 4.5.3.1.3, < and > counted */
#define COMMAND_LINE_LIMIT	512	/* 4.5.3.1.4, CR LF counted */
#define ADDRESS_LITERAL_LIMIT	47	/* [IPv6: and 45 octets, less ] */

struct slice {
	const char	*at;
	size_t		 length;	/* octets */
};

/*
 * For the proofs (tests/proof): what every function here may be given, and
 * what is left of it; a part of it may be all or nothing.
 */
/*@
  predicate is_text(struct slice s) =
    s.length <= 0x40000000 && \valid_read(s.at + (0 .. s.length - 1));
  predicate is_rest(struct slice rest, struct slice text) =
    rest.length <= text.length &&
    rest.at == text.at + (text.length - rest.length);
  predicate is_part(struct slice part, struct slice text) =
    part.length == 0 || (part.at == text.at + (part.at - text.at) &&
    0 <= part.at - text.at <= text.length - part.length);
  lemma part_of_rest: \forall struct slice a, b, c;
    is_part(a, b) && is_rest(b, c) ==> is_part(a, c);
  lemma rest_of_rest: \forall struct slice a, b, c;
    is_rest(a, b) && is_rest(b, c) ==> is_rest(a, c);
  lemma part_from_start: \forall struct slice a, b;
    a.at == b.at && a.length <= b.length ==> is_part(a, b);
  lemma rest_of_part: \forall struct slice a, b, c;
    is_rest(a, b) && is_part(b, c) ==> is_part(a, c);
*/

#define TEXT(literal)	((struct slice){ (literal), sizeof(literal) - 1 })

/* An IP address; IPv4 uses the first four octets. */
struct address {
	int		family;		/* 0 none, 4 or 6 */
	uint8_t		octets[16];
};

/* Why a path was refused; the texts are in reply.h. */
enum path_fault {
	PATH_FINE,
	PATH_EMPTY,
	PATH_UNCLOSED,
	PATH_TRAILING_TEXT,
	PATH_TOO_LONG,
	PATH_BAD_ROUTE,
	PATH_BAD_LOCAL_PART,
	PATH_LONG_LOCAL_PART,
	PATH_UNCLOSED_QUOTE,
	PATH_NO_DOMAIN,
	PATH_BAD_DOMAIN,
	PATH_BAD_LITERAL,
	PATH_FAULTS
};

enum path_kind { REVERSE_PATH, FORWARD_PATH };

struct path {
	bool		is_null;		/* <> */
	char		local_part[LOCAL_PART_LIMIT];	/* quotes undone */
	size_t		local_part_length;
	struct slice	domain;			/* empty for <postmaster> */
	struct address	literal;		/* where domain is [...] */
	struct slice	mailbox;		/* as sent, no <>, no route */
	bool		is_utf8;		/* beyond ASCII (RFC 6531) */
};

struct parameter {
	struct slice	keyword;
	struct slice	value;
	bool		has_value;
};

/* ASCII only, whatever the locale. */
char	lower(char c);
bool	equal_fold(struct slice a, struct slice b);
struct slice	slice_of(const char *text);

/* Is there an octet below SP, or DEL? */
bool	has_control(struct slice text);

/* Is there no octet of eight bits? */
bool	is_ascii(struct slice text);

/*
 * How many octets the character has that TEXT begins with, if it is one
 * beyond ASCII in well-formed UTF-8 (RFC 3629 4) and no C1 control; else 0.
 */
size_t	utf8_length(struct slice text);

/* Is it made of such characters and of ASCII alone? */
bool	is_utf8(struct slice text);

/*
 * Split a command line (without CR LF) into its verb and its argument, the
 * blanks around both dropped (RFC 5321 4.1.1).
 */
void
parse_command(struct slice line, struct slice *verb, struct slice *argument);

/*
 * Does a line that starts so speak another protocol: HTTP and its kind, TLS,
 * SSH, or a field "Name: value"?  No command of SMTP begins like these.
 */
bool	is_foreign(struct slice start);

/* Drop PREFIX, in any case, from the start of TEXT; false if it differs. */
bool	skip_prefix(struct slice *text, struct slice prefix);

/*
 * Parse the path at the start of TEXT, which is advanced past it and past
 * the blanks behind it (4.1.2; source routes are dropped, 4.1.1.3 and
 * appendix C).  Taken beyond the grammar, since devices send it: blanks
 * before the path, and a mailbox without < and >.  Characters beyond ASCII
 * are taken as RFC 6531 3.3 has it; whether they may come is for the caller
 * to say.
 */
enum path_fault
parse_path(struct slice *text, enum path_kind kind, struct path *path);

/*
 * Take the next KEYWORD[=VALUE] (4.1.2 esmtp-param) and the blanks behind
 * it.  False if the text there is none; the text is then as it was.
 */
bool	parse_parameter(struct slice *text, struct parameter *parameter);

/*
 * A domain name in ASCII, one that may have UTF-8, or an address literal;
 * false if TEXT is no such.
 */
bool	is_domain(struct slice text);
bool	is_utf8_domain(struct slice text);
bool	parse_literal(struct slice text, struct address *address);

/*
 * Decimal digits alone; false for anything else, when *NUMBER is 0, and for
 * what is past 2^64 - 1, when it is just that.
 */
bool	parse_number(struct slice text, uint64_t *number);

/* The argument of BDAT: a number, and perhaps LAST (RFC 3030 2). */
bool	parse_chunk(struct slice text, uint64_t *size, bool *last);

#endif

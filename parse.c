/* SPDX-License-Identifier: ISC */
#include "parse.h"

#include <arpa/inet.h>

#include <string.h>

/* The longest word that another protocol begins with, and its NUL. */
#define WORD_SIZE	11

static bool
is_alpha(char c)
{
	return ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'));
}

static bool
is_digit(char c)
{
	return (c >= '0' && c <= '9');
}

static bool
is_let_dig(char c)
{
	return (is_alpha(c) || is_digit(c));
}

/* RFC 5322 3.2.3 */
static bool
is_atext(char c)
{
	static const char others[] = "!#$%&'*+-/=?^_`{|}~";

	return (is_let_dig(c) || memchr(others, c, sizeof(others) - 1) != NULL);
}

char
lower(char c)
{
	return (c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c);
}

bool
equal_fold(struct slice a, struct slice b)
{
	size_t i;

	if (a.length != b.length)
		return (false);
	/*@ loop invariant i <= a.length; loop assigns i; */
	for (i = 0; i < a.length; i++)
		if (lower(a.at[i]) != lower(b.at[i]))
			return (false);
	return (true);
}

struct slice
slice_of(const char *text)
{
	return ((struct slice){ text, strlen(text) });
}

bool
has_control(struct slice text)
{
	size_t i;

	/*@ loop invariant i <= text.length; loop assigns i; */
	for (i = 0; i < text.length; i++)
		if ((unsigned char)text.at[i] < ' ' || text.at[i] == 0x7f)
			return (true);
	return (false);
}

bool
is_ascii(struct slice text)
{
	size_t i;

	/*@ loop invariant i <= text.length; loop assigns i; */
	for (i = 0; i < text.length; i++)
		if ((unsigned char)text.at[i] > 0x7f)
			return (false);
	return (true);
}

size_t
utf8_length(struct slice text)
{
	/* What fewer octets cannot say; of two, what is no control. */
	static const unsigned int least[] = { 0, 0, 0xa0, 0x800, 0x10000 };
	unsigned int code, octet;
	size_t n, i;

	octet = text.length == 0 ? 0 : (unsigned char)text.at[0];
	if (octet < 0xc2 || octet > 0xf4)
		return (0);
	n = octet < 0xe0 ? 2 : octet < 0xf0 ? 3 : 4;
	if (n > text.length)
		return (0);
	code = octet & (0x7fU >> n);
	/*@ loop invariant 1 <= i <= n; loop assigns i, octet, code; */
	for (i = 1; i < n; i++) {
		octet = (unsigned char)text.at[i];
		if ((octet & 0xc0) != 0x80)
			return (0);
		code = code << 6 | (octet & 0x3fU);
	}
	if (code < least[n] || code > 0x10ffff ||
	    (code >= 0xd800 && code <= 0xdfff))	/* surrogates */
		return (0);
	return (n);
}

static void
advance(struct slice *text, size_t n)
{
	text->at += n;
	text->length -= n;
}

bool
is_utf8(struct slice text)
{
	size_t n;

	/*@ loop invariant is_text(text); loop assigns text, n; */
	for (; text.length > 0; advance(&text, n)) {
		n = (unsigned char)text.at[0] <= 0x7f ? 1 : utf8_length(text);
		if (n == 0)
			return (false);
	}
	return (true);
}

static bool
starts(const struct slice *text, char c)
{
	return (text->length > 0 && text->at[0] == c);
}

static void
skip_blanks(struct slice *text)
{
	/*@ loop invariant is_text(*text) && is_rest(*text, \at(*text, Pre));
	    loop assigns *text; */
	while (starts(text, ' '))
		advance(text, 1);
}

void
parse_command(struct slice line, struct slice *verb, struct slice *argument)
{
	size_t n = 0;

	skip_blanks(&line);
	/*@ loop invariant is_text(line) && is_part(line, \at(line, Pre));
	    loop assigns line.length; */
	while (line.length > 0 && line.at[line.length - 1] == ' ')
		line.length--;
	/*@ loop invariant n <= line.length; loop assigns n; */
	while (n < line.length && line.at[n] != ' ')
		n++;
	*verb = (struct slice){ line.at, n };
	advance(&line, n);
	skip_blanks(&line);
	*argument = line;
}

bool
skip_prefix(struct slice *text, struct slice prefix)
{
	if (text->length < prefix.length ||
	    !equal_fold((struct slice){ text->at, prefix.length }, prefix))
		return (false);
	advance(text, prefix.length);
	return (true);
}

/* A field name and its colon, as in "Host: mail" (RFC 5322 2.2). */
static bool
starts_with_field(struct slice start)
{
	size_t n = 0;

	/*@ loop invariant n <= start.length; loop assigns n; */
	while (n < start.length && start.at[n] > ' ' && start.at[n] <= '~' &&
	    start.at[n] != ':')
		n++;
	return (n > 0 && n < start.length && start.at[n] == ':');
}

static bool
starts_with_word(struct slice start, const char word[WORD_SIZE])
{
	size_t i;

	/*@ loop invariant i <= WORD_SIZE; loop assigns i; */
	for (i = 0; i < WORD_SIZE && word[i] != '\0'; i++)
		if (i >= start.length || lower(start.at[i]) != word[i])
			return (false);
	return (true);
}

bool
is_foreign(struct slice start)
{
	/* Methods of HTTP, WebDAV, RTSP and SIP; a blank makes it a request. */
	static const char words[][WORD_SIZE] = { "get ", "head ", "post ",
		"put ", "delete ", "connect ", "options ", "trace ", "patch ",
		"pri ", "propfind ", "report ", "describe ", "setup ",
		"invite ", "register ", "subscribe ", "notify ", "ssh-" };
	/*
	 * The first octets of TLS (RFC 8446 5.1), SSL 2, RDP, SOCKS, and of
	 * what counts its length in front.
	 */
	static const char octets[] = "\x16\x80\x03\x04\x05\x01\x02";
	size_t i;

	if (start.length == 0)
		return (false);
	if (memchr(octets, start.at[0], sizeof(octets)) != NULL)
		return (true);		/* its NUL counts as well */
	/*@ loop invariant i <= sizeof(words) / WORD_SIZE; loop assigns i; */
	for (i = 0; i < sizeof(words) / WORD_SIZE; i++)
		if (starts_with_word(start, words[i]))
			return (true);
	return (starts_with_field(start));
}

bool
parse_number(struct slice text, uint64_t *number)
{
	uint64_t n = 0;
	unsigned int digit;
	size_t i;

	bool fits = text.length > 0;

	*number = 0;
	/*@ loop invariant i <= text.length; loop assigns i, n, digit, fits; */
	for (i = 0; i < text.length; i++) {
		if (!is_digit(text.at[i]))
			return (false);
		digit = (unsigned int)(text.at[i] - '0');
		fits = fits && n <= (UINT64_MAX - digit) / 10;
		if (fits)
			n = n * 10 + digit;
	}
	*number = fits ? n : text.length > 0 ? UINT64_MAX : 0;
	return (fits);
}

bool
parse_chunk(struct slice text, uint64_t *size, bool *last)
{
	size_t n = 0;

	/*@ loop invariant n <= text.length; loop assigns n; */
	while (n < text.length && text.at[n] != ' ')
		n++;
	if (!parse_number((struct slice){ text.at, n }, size))
		return (false);
	advance(&text, n);
	skip_blanks(&text);
	*last = text.length > 0;
	return (!*last || equal_fold(text, TEXT("LAST")));
}

/* How many octets the character at N of TEXT has, 0 for no such. */
static size_t
domain_character(struct slice text, size_t n)
{
	if (is_let_dig(text.at[n]) || text.at[n] == '-' || text.at[n] == '_')
		return (1);
	return (utf8_length((struct slice){ text.at + n, text.length - n }));
}

/*
 * How many octets at the start of TEXT are a label of a domain name (RFC
 * 5321 4.1.2 sub-domain, or a U-label of RFC 6531 3.3), 0 if none are.  An
 * underscore counts as a letter: many a host is called by one.  A label's
 * limit is one of characters, which are not fewer once it is written in
 * ASCII.
 */
static size_t
label_length(struct slice text)
{
	size_t n = 0, characters = 0, more;

	/*@ loop invariant characters <= n <= text.length;
	    loop assigns n, more, characters; */
	while (n < text.length && (more = domain_character(text, n)) > 0) {
		n += more;
		characters++;
	}
	return (n == 0 || characters > LABEL_LIMIT || text.at[0] == '-' ||
		    text.at[n - 1] == '-' ?
		0 :
		n);
}

/* The same for a whole domain name (4.1.2 Domain). */
static size_t
domain_length(struct slice text)
{
	size_t n = 0, label;

	/*@ loop invariant n <= text.length; loop assigns n, label; */
	for (;;) {
		label = label_length((struct slice){ text.at + n,
		    text.length - n });
		if (label == 0)
			return (0);
		n += label;
		if (n == text.length || text.at[n] != '.')
			break;
		n++;
	}
	return (n <= DOMAIN_LIMIT ? n : 0);
}

bool
is_utf8_domain(struct slice text)
{
	return (text.length > 0 && domain_length(text) == text.length);
}

bool
is_domain(struct slice text)
{
	return (is_ascii(text) && is_utf8_domain(text));
}

bool
parse_literal(struct slice text, struct address *address)
{
	char copy[ADDRESS_LITERAL_LIMIT + 1];
	int family = AF_INET;

	*address = (struct address){ .family = 0 };
	if (text.length < 2 || text.at[0] != '[' ||
	    text.at[text.length - 1] != ']')
		return (false);
	text = (struct slice){ text.at + 1, text.length - 2 };
	if (skip_prefix(&text, TEXT("IPv6:")))
		family = AF_INET6;
	if (text.length > ADDRESS_LITERAL_LIMIT ||
	    memchr(text.at, '\0', text.length) != NULL)
		return (false);
	memcpy(copy, text.at, text.length);
	copy[text.length] = '\0';
	if (inet_pton(family, copy, address->octets) != 1)
		return (false);
	address->family = family == AF_INET ? 4 : 6;
	return (true);
}

/* How many octets the character at AT in TEXT has, 0 if it prints nothing. */
static size_t
printing_character(struct slice text, size_t at)
{
	char c = text.at[at];

	if (c >= ' ' && c <= '~')
		return (1);
	return (utf8_length((struct slice){ text.at + at, text.length - at }));
}

/* Quoted-string (4.1.2), with what RFC 6531 3.3 adds; only ASCII behind \\. */
static enum path_fault
parse_quoted(struct slice *text, struct path *path)
{
	size_t n = 1, length;
	bool quoted;

	path->local_part_length = 0;
	/*@ loop invariant 1 <= n <= text->length;
	    loop invariant path->local_part_length < n <= LOCAL_PART_LIMIT;
	    loop assigns n, length, quoted, path->local_part_length,
		path->local_part[0 .. LOCAL_PART_LIMIT - 1]; */
	for (;;) {
		quoted = n < text->length && text->at[n] == '\\';
		n += quoted;
		if (n >= text->length)
			return (PATH_UNCLOSED_QUOTE);
		if (!quoted && text->at[n] == '"')
			break;
		length = printing_character(*text, n);
		if (length == 0 || (quoted && length > 1))
			return (PATH_BAD_LOCAL_PART);
		/* The closing quote is next. */
		if (n + length >= LOCAL_PART_LIMIT)
			return (PATH_LONG_LOCAL_PART);
		memcpy(path->local_part + path->local_part_length, text->at + n,
		    length);
		path->local_part_length += length;
		n += length;
	}
	advance(text, n + 1);
	return (path->local_part_length > 0 ? PATH_FINE : PATH_BAD_LOCAL_PART);
}

/* How many octets the atext at N of TEXT has, 0 if it is none. */
static size_t
atom_character(struct slice text, size_t n)
{
	if (is_atext(text.at[n]))
		return (1);
	return (utf8_length((struct slice){ text.at + n, text.length - n }));
}

/* Dot-string (4.1.2, RFC 6531 3.3). */
static enum path_fault
parse_dot_string(struct slice *text, struct path *path)
{
	size_t n = 0, atom, more;

	/*@ loop invariant n <= text->length; loop assigns n, atom, more; */
	for (;;) {
		atom = n;
		/*@ loop invariant atom <= n <= text->length;
		    loop assigns n, more; */
		while (n < text->length &&
		    (more = atom_character(*text, n)) > 0)
			n += more;
		if (n == atom)
			return (PATH_BAD_LOCAL_PART);
		if (n == text->length || text->at[n] != '.')
			break;
		n++;
	}
	if (n > LOCAL_PART_LIMIT)
		return (PATH_LONG_LOCAL_PART);
	memcpy(path->local_part, text->at, n);
	path->local_part_length = n;
	advance(text, n);
	return (PATH_FINE);
}

static enum path_fault
parse_address_literal(struct slice *text, struct path *path)
{
	const char *end = memchr(text->at, ']', text->length);

	if (end == NULL)
		return (PATH_BAD_LITERAL);
	path->domain = (struct slice){ text->at, (size_t)(end - text->at) + 1 };
	if (!parse_literal(path->domain, &path->literal))
		return (PATH_BAD_LITERAL);
	advance(text, path->domain.length);
	return (PATH_FINE);
}

static enum path_fault
parse_domain(struct slice *text, struct path *path)
{
	size_t n;

	path->literal = (struct address){ .family = 0 };
	if (starts(text, '['))
		return (parse_address_literal(text, path));
	n = domain_length(*text);
	if (n == 0)
		return (PATH_BAD_DOMAIN);
	path->domain = (struct slice){ text->at, n };
	advance(text, n);
	return (PATH_FINE);
}

/* @one,@two: of appendix C, dropped. */
static enum path_fault
skip_source_route(struct slice *text, struct path *path)
{
	if (!starts(text, '@'))
		return (PATH_FINE);
	/*@ loop invariant is_text(*text) && is_rest(*text, \at(*text, Pre));
	    loop assigns *text, path->domain, path->literal; */
	for (;;) {
		if (!starts(text, '@'))
			return (PATH_BAD_ROUTE);
		advance(text, 1);
		if (parse_domain(text, path) != PATH_FINE)
			return (PATH_BAD_ROUTE);
		if (starts(text, ':')) {
			advance(text, 1);
			return (PATH_FINE);
		}
		if (!starts(text, ','))
			return (PATH_BAD_ROUTE);
		advance(text, 1);
	}
}

/* Local-part (4.1.2). */
static enum path_fault
parse_local_part(struct slice *text, struct path *path)
{
	return (starts(text, '"') ? parse_quoted(text, path) :
				    parse_dot_string(text, path));
}

static bool
is_postmaster(const struct path *path)
{
	return (equal_fold((struct slice){ path->local_part,
			       path->local_part_length },
	    TEXT("postmaster")));
}

/* @ and a domain; or none, for Postmaster in a forward-path (4.1.1.3). */
static enum path_fault
parse_at_domain(struct slice *text, enum path_kind kind, struct path *path)
{
	if (starts(text, '@')) {
		advance(text, 1);
		return (parse_domain(text, path));
	}
	path->domain.length = 0;	/* a source route had some */
	path->literal.family = 0;
	return (kind == FORWARD_PATH && is_postmaster(path) ? PATH_FINE :
							      PATH_NO_DOMAIN);
}

/* Mailbox (4.1.2), or Postmaster alone. */
static enum path_fault
parse_mailbox(struct slice *text, enum path_kind kind, struct path *path)
{
	const struct slice all = *text;
	enum path_fault fault = parse_local_part(text, path);

	if (fault == PATH_FINE)
		fault = parse_at_domain(text, kind, path);
	path->mailbox.at = all.at;
	path->mailbox.length = all.length - text->length;
	return (fault);
}

static enum path_fault
parse_bracketed(struct slice *text, enum path_kind kind, struct path *path)
{
	enum path_fault fault;

	advance(text, 1);
	if (starts(text, '>')) {
		advance(text, 1);
		path->is_null = true;
		path->mailbox = (struct slice){ text->at, 0 };
		return (kind == REVERSE_PATH ? PATH_FINE : PATH_EMPTY);
	}
	fault = skip_source_route(text, path);
	if (fault == PATH_FINE)
		fault = parse_mailbox(text, kind, path);
	if (fault != PATH_FINE)
		return (fault);
	if (!starts(text, '>'))
		return (text->length == 0 || starts(text, ' ') ?
			PATH_UNCLOSED :
			PATH_BAD_DOMAIN);
	advance(text, 1);
	return (PATH_FINE);
}

enum path_fault
parse_path(struct slice *text, enum path_kind kind, struct path *path)
{
	enum path_fault fault;
	size_t before;

	*path = (struct path){ .is_null = false };
	skip_blanks(text);
	before = text->length;
	if (before == 0)
		return (PATH_EMPTY);
	/* What follows the path has to be ASCII, or is no parameter. */
	path->is_utf8 = !is_ascii(*text);
	fault = starts(text, '<') ? parse_bracketed(text, kind, path) :
	    parse_mailbox(text, kind, path);
	if (fault != PATH_FINE)
		return (fault);
	if (before - text->length > PATH_LIMIT)
		return (PATH_TOO_LONG);
	if (text->length > 0 && !starts(text, ' '))
		return (PATH_TRAILING_TEXT);
	skip_blanks(text);
	return (PATH_FINE);
}

bool
parse_parameter(struct slice *text, struct parameter *parameter)
{
	size_t n = 1, start;

	if (text->length == 0 || !is_let_dig(text->at[0]))
		return (false);
	/*@ loop invariant 1 <= n <= text->length; loop assigns n; */
	while (n < text->length &&
	    (is_let_dig(text->at[n]) || text->at[n] == '-'))
		n++;
	parameter->keyword = (struct slice){ text->at, n };
	parameter->value = (struct slice){ text->at + n, 0 };
	parameter->has_value = false;
	if (n < text->length && text->at[n] == '=') {
		start = ++n;
		/*@ loop invariant start <= n <= text->length;
		    loop assigns n; */
		while (n < text->length && text->at[n] > ' ' &&
		    text->at[n] <= '~' && text->at[n] != '=')
			n++;
		parameter->value = (struct slice){ text->at + start,
			n - start };
		parameter->has_value = true;
	}
	if (n < text->length && text->at[n] != ' ')
		return (false);
	advance(text, n);
	skip_blanks(text);
	return (true);
}

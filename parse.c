/* SPDX-License-Identifier: ISC */
#include "parse.h"

#include <arpa/inet.h>

#include <string.h>

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
	return (is_let_dig(c) ||
	    (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL));
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
	/*@ loop invariant i <= a.length; */
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

	/*@ loop invariant i <= text.length; */
	for (i = 0; i < text.length; i++)
		if ((unsigned char)text.at[i] < ' ' || text.at[i] == 0x7f)
			return (true);
	return (false);
}

bool
is_ascii(struct slice text)
{
	size_t i;

	/*@ loop invariant i <= text.length; */
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
	const unsigned char *octets = (const unsigned char *)text.at;
	unsigned int code;
	size_t n, i;

	if (text.length == 0 || octets[0] < 0xc2 || octets[0] > 0xf4)
		return (0);
	n = octets[0] < 0xe0 ? 2 : octets[0] < 0xf0 ? 3 : 4;
	if (n > text.length)
		return (0);
	code = octets[0] & (0x7fU >> n);
	for (i = 1; i < n; i++) {
		if ((octets[i] & 0xc0) != 0x80)
			return (0);
		code = code << 6 | (octets[i] & 0x3fU);
	}
	if (code < least[n] || code > 0x10ffff ||
	    (code >= 0xd800 && code <= 0xdfff))	/* surrogates */
		return (0);
	return (n);
}

static void
advance(struct slice *text, size_t n)
{
	/*@ split n; */
	text->at += n;
	text->length -= n;
	/*@ split text->length; */
	/*@ merge n; */
}

bool
is_utf8(struct slice text)
{
	size_t n;

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
	while (starts(text, ' '))
		advance(text, 1);
}

void
parse_command(struct slice line, struct slice *verb, struct slice *argument)
{
	size_t n = 0;

	skip_blanks(&line);
	while (line.length > 0 && line.at[line.length - 1] == ' ')
		line.length--;
	/*@ split line.length; */
	/*@ loop invariant n <= line.length; */
	while (n < line.length && line.at[n] != ' ')
		n++;
	*verb = (struct slice){ line.at, n };
	advance(&line, n);
	skip_blanks(&line);
	*argument = line;
}

bool
skip_prefix(struct slice *text, const char *prefix)
{
	struct slice want = slice_of(prefix);

	if (text->length < want.length ||
	    !equal_fold((struct slice){ text->at, want.length }, want))
		return (false);
	text->at += want.length;
	text->length -= want.length;
	return (true);
}

/* A field name and its colon, as in "Host: mail" (RFC 5322 2.2). */
static bool
starts_with_field(struct slice start)
{
	size_t n = 0;

	while (n < start.length && start.at[n] > ' ' && start.at[n] <= '~' &&
	    start.at[n] != ':')
		n++;
	return (n > 0 && n < start.length && start.at[n] == ':');
}

bool
is_foreign(struct slice start)
{
	/* Methods of HTTP, WebDAV, RTSP and SIP; a blank makes it a request. */
	static const char *const starts_of_others[] = { "get ", "head ",
	    "post ", "put ", "delete ", "connect ", "options ", "trace ",
	    "patch ", "pri ", "propfind ", "report ", "describe ", "setup ",
	    "invite ", "register ", "subscribe ", "notify ", "ssh-" };
	/*
	 * The first octets of TLS (RFC 8446 5.1), SSL 2, RDP, SOCKS, and of
	 * what counts its length in front.
	 */
	static const char octets[] = "\x16\x80\x03\x04\x05\x01\x02";
	struct slice rest = start;
	char first;
	size_t i;

	if (start.length == 0)
		return (false);
	first = lower(start.at[0]);
	if (memchr(octets, start.at[0], sizeof(octets)) != NULL)
		return (true);		/* its NUL counts as well */
	for (i = 0; i < sizeof(starts_of_others) / sizeof(starts_of_others[0]);
	     i++)
		if (starts_of_others[i][0] == first &&
		    skip_prefix(&rest, starts_of_others[i]))
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
	/*@ loop invariant i <= text.length; */
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

	while (n < text.length && text.at[n] != ' ')
		n++;
	if (!parse_number((struct slice){ text.at, n }, size))
		return (false);
	advance(&text, n);
	skip_blanks(&text);
	*last = text.length > 0;
	return (!*last || equal_fold(text, slice_of("LAST")));
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

	/*@ loop invariant n <= text.length; */
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

	/*@ loop invariant n <= text.length; */
	for (;;) {
		/*@ split n; */
		label = label_length((struct slice){ text.at + n,
		    text.length - n });
		if (label == 0) {
			/*@ merge n; */
			return (0);
		}
		n += label;
		if (n == text.length || text.at[n] != '.')
			break;
		n++;
	}
	/*@ merge n; */
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

	memset(address, 0, sizeof(*address));
	if (text.length < 2 || text.at[0] != '[' ||
	    text.at[text.length - 1] != ']')
		return (false);
	text = (struct slice){ text.at + 1, text.length - 2 };
	if (skip_prefix(&text, "IPv6:"))
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
	/*@ loop unroll LOCAL_PART_LIMIT; */
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

	/*@ loop invariant n <= text->length; */
	for (;;) {
		atom = n;
		/*@ loop invariant n <= text->length; */
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

	memset(&path->literal, 0, sizeof(path->literal));
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
	for (;;) {
		if (!starts(text, '@'))
			return (PATH_BAD_ROUTE);
		advance(text, 1);
		if (parse_domain(text, path) != PATH_FINE)
			return (PATH_BAD_ROUTE);
		if (starts(text, ':')) {
			advance(text, 1);
			path->domain.length = 0;
			path->literal.family = 0;
			return (PATH_FINE);
		}
		if (!starts(text, ','))
			return (PATH_BAD_ROUTE);
		advance(text, 1);
	}
}

/* Mailbox, or Postmaster alone in a forward-path (4.1.1.3). */
static enum path_fault
parse_mailbox(struct slice *text, enum path_kind kind, struct path *path)
{
	const char *start = text->at;
	enum path_fault fault;

	fault = starts(text, '"') ? parse_quoted(text, path) :
	    parse_dot_string(text, path);
	if (fault != PATH_FINE)
		return (fault);
	if (starts(text, '@')) {
		advance(text, 1);
		fault = parse_domain(text, path);
	} else if (kind != FORWARD_PATH ||
	    !equal_fold((struct slice){ path->local_part,
			    path->local_part_length },
	    slice_of("postmaster"))) {
		fault = PATH_NO_DOMAIN;
	}
	path->mailbox = (struct slice){ start, (size_t)(text->at - start) };
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
	const char *start;

	memset(path, 0, sizeof(*path));
	skip_blanks(text);
	start = text->at;
	if (text->length == 0)
		return (PATH_EMPTY);
	/* What follows the path has to be ASCII, or is no parameter. */
	path->is_utf8 = !is_ascii(*text);
	fault = starts(text, '<') ? parse_bracketed(text, kind, path) :
	    parse_mailbox(text, kind, path);
	if (fault != PATH_FINE)
		return (fault);
	if ((size_t)(text->at - start) > PATH_LIMIT)
		return (PATH_TOO_LONG);
	if (text->length > 0 && !starts(text, ' '))
		return (PATH_TRAILING_TEXT);
	skip_blanks(text);
	return (PATH_FINE);
}

bool
parse_parameter(struct slice *text, struct parameter *parameter)
{
	size_t n = 0;

	if (text->length == 0 || !is_let_dig(text->at[0]))
		return (false);
	/*@ loop invariant n <= text->length; */
	while (n < text->length &&
	    (is_let_dig(text->at[n]) || text->at[n] == '-'))
		n++;
	parameter->keyword = (struct slice){ text->at, n };
	parameter->value = (struct slice){ text->at + n, 0 };
	parameter->has_value = false;
	if (n < text->length && text->at[n] == '=') {
		parameter->has_value = true;
		parameter->value.at = text->at + ++n;
		/*@ loop invariant n <= text->length; */
		while (n < text->length && text->at[n] > ' ' &&
		    text->at[n] <= '~' && text->at[n] != '=')
			n++;
		parameter->value.length = (size_t)(text->at + n -
		    parameter->value.at);
	}
	if (n < text->length && text->at[n] != ' ')
		return (false);
	advance(text, n);
	skip_blanks(text);
	return (true);
}

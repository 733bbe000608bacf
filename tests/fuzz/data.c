/* SPDX-License-Identifier: ISC */
/*
 * sources: parse.c
 * broken: data.c s/memcmp(line.at + n, from, left) != 0;/true;/
 * broken: data.c s/n >= enough/n >= 3/
 * broken: data.c s/if (!t->after_lone_lf .. line.length >= 3/if (line.length >= 3/
 */
/*
 * The data transform, in pieces of any length, against a model that has the
 * whole of the data before it and takes it line by line; and back again:
 * with one '>' less before each From_ line it is what was sent.
 */
#include "../../data.c"

#include <stdlib.h>

#define LONGEST	900		/* below FIRST_LINE_LOOKAHEAD */
#define END	"\r\n.\r\n"

int	LLVMFuzzerTestOneInput(const uint8_t *octets, size_t size);

/* What receive_data() needs, which is not called here. */
enum line_status
read_input(struct slice *input, int64_t deadline)
{
	(void)input;
	(void)deadline;
	abort();
}

void
take_input(size_t n)
{
	(void)n;
	abort();
}

char *
spool_space(size_t n)
{
	(void)n;
	abort();
}

bool
write_spool(const char *text, size_t n)
{
	(void)text;
	(void)n;
	abort();
}

static void
need(bool holds)
{
	if (!holds)
		abort();
}

struct text {
	char	octets[4 * LONGEST];
	size_t	length;
};

struct result {
	struct text	text;		/* as it stands in the mailbox */
	struct text	plain;		/* the same without quoting */
	bool		malformed;
	unsigned int	received;
	uint64_t	size;
};

static void
add(struct text *text, const char *octets, size_t n)
{
	need(text->length + n <= sizeof(text->octets));
	memcpy(text->octets + text->length, octets, n);
	text->length += n;
}

/* Is LINE, of LENGTH, any number of '>' and "From "? */
static bool
is_from(const char *line, size_t length)
{
	while (length > 0 && line[0] == '>') {
		line++;
		length--;
	}
	return (length >= 5 && strncmp(line, "From ", 5) == 0);
}

/* A name of visible characters, perhaps blanks, a colon. */
static bool
is_header(const char *line, size_t length)
{
	size_t n = 0;

	while (n < length && line[n] >= '!' && line[n] <= '~' && line[n] != ':')
		n++;
	if (n == 0)
		return (false);
	while (n < length && (line[n] == ' ' || line[n] == '\t'))
		n++;
	return (n < length && line[n] == ':');
}

static bool
is_called(const char *line, size_t length, const char *name)
{
	size_t n = strlen(name);

	return (length > n && strncasecmp(line, name, n) == 0 &&
	    (line[n] == ':' || line[n] == ' '));
}

static void
model(const char *in, size_t n, bool bare, struct result *result)
{
	bool first = true, body = false, drop = false, lone = false;
	size_t at = 0, end, length;
	const char *line;

	for (;; at = end) {
		for (end = at; in[end] != '\n'; end++)
			if (in[end] == '\r' && in[end + 1] != '\n')
				result->malformed = true;
		end++;
		line = in + at;
		length = end - at - 1;
		if (length > 0 && line[length - 1] == '\r')
			length--;
		else if (!bare)
			result->malformed = true;
		if (!lone && end - at == 3 && memcmp(line, ".\r\n", 3) == 0)
			break;
		lone = length == end - at - 1;
		result->size += end - at;
		if (length > 0 && line[0] == '.') {
			line++;
			length--;
			result->size--;
		}
		if (first && !is_header(line, length)) {
			body = true;
			if (length > 0) {
				add(&result->text, "\n", 1);
				add(&result->plain, "\n", 1);
			}
		} else if (!body && length == 0) {
			body = true;
			drop = false;
		} else if (!body && (line[0] != ' ' && line[0] != '\t')) {
			drop = is_called(line, length, "return-path");
			if (is_called(line, length, "received"))
				result->received++;
		}
		first = false;
		if (drop)
			continue;
		if (is_from(line, length))
			add(&result->text, ">", 1);
		add(&result->text, line, length);
		add(&result->text, "\n", 1);
		add(&result->plain, line, length);
		add(&result->plain, "\n", 1);
	}
	need(end <= n);
}

/* The transform, given the octets in pieces; SEED says of which lengths. */
static void
in_pieces(struct transform *t, const char *in, size_t n, unsigned int seed,
    struct text *text)
{
	size_t taken = 0, here = 0, room, written;
	char *piece, *out;

	while (!t->done) {
		need(here < n);		/* it never wants more than there is */
		seed = seed * 1103515245 + 12345;
		here += seed % 8 == 0 ? n : 1 + seed / 65536 % 32;
		here = here < n ? here : n;
		room = here - taken;
		piece = malloc(room);
		out = malloc(2 * room + 1);
		memcpy(piece, in + taken, room);
		taken += transform(t, piece, room, out, &written);
		need(written <= 2 * room + 1 && taken <= here);
		add(text, out, written);
		free(piece);
		free(out);
	}
}

/* One '>' less before each From_ line, and none is left without one. */
static void
unquote(const struct text *from, struct text *to)
{
	size_t at, length;
	const char *line;

	for (at = 0; at < from->length; at += length + 1) {
		line = from->octets + at;
		length = (size_t)((const char *)memchr(line, '\n',
		    from->length - at) - line);
		need(length < 5 || memcmp(line, "From ", 5) != 0);
		if (is_from(line, length))
			add(to, line + 1, length);
		else
			add(to, line, length + 1);
	}
}

static bool
is_same(const struct text *a, const struct text *b)
{
	return (a->length == b->length &&
	    memcmp(a->octets, b->octets, a->length) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *octets, size_t size)
{
	static struct result result;
	static struct text text, plain;
	struct transform t = { .bare_newline = false };
	char in[LONGEST + sizeof(END)];

	if (size < 3 || size > LONGEST)
		return (0);
	t.bare_newline = octets[0] % 2;
	memcpy(in, octets + 3, size - 3);
	memcpy(in + size - 3, END, sizeof(END));
	size += sizeof(END) - 1 - 3;
	memset(&result, 0, sizeof(result));
	text.length = plain.length = 0;
	model(in, size, t.bare_newline, &result);
	in_pieces(&t, in, size, octets[1] * 256U + octets[2], &text);
	need(t.malformed == result.malformed);
	if (t.malformed)
		return (0);
	need(is_same(&text, &result.text));
	need(t.size == result.size && t.received == result.received);
	unquote(&text, &plain);
	need(is_same(&plain, &result.plain));
	return (0);
}

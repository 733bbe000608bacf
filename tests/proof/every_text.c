/* SPDX-License-Identifier: ISC */
/*
 * broken: data.c s/if (!t->after_lone_lf .. line.length >= 3/if (line.length >= 3/
 * broken: data.c s/if (left >= length .. memcmp/if (n == 0 \&\& left >= length \&\& memcmp/
 * broken: data.c s/malformed |= !t->bare_newline/malformed |= false/
 */
/*
 * The data transform, for every text of up to PARTS of the parts below, cut
 * in two at every octet, against the model of tests/fuzz/data.c; so that it
 * adds nothing but '>' and LF, leaves no line that begins "From ", and can
 * be undone.
 */
#include "../fuzz/data.c"

#include <stdio.h>

#ifndef PARTS
#define PARTS	5
#endif

static const char *const parts[] = { "From ", "F", ">", ".", "\r\n", "\r",
    "\n", "a:", " ", "Received:", "return-path:" };

#define COUNT	(sizeof(parts) / sizeof(parts[0]))

static unsigned long texts;

static void
put(struct transform *t, const char *in, size_t *taken, size_t here,
    struct text *text)
{
	size_t room = here - *taken, written;
	char *piece = malloc(room), *out = malloc(2 * room + 1);

	memcpy(piece, in + *taken, room);
	*taken += transform(t, piece, room, out, &written);
	need(written <= 2 * room + 1);
	add(text, out, written);
	free(piece);
	free(out);
}

static void
cut_everywhere(const char *in, size_t n, bool bare)
{
	static struct result result;
	static struct text text, plain;
	struct transform t;
	size_t cut, taken;

	memset(&result, 0, sizeof(result));
	model(in, n, bare, &result);
	for (cut = 0; cut < n; cut++) {
		t = (struct transform){ .bare_newline = bare };
		text.length = plain.length = taken = 0;
		put(&t, in, &taken, cut, &text);
		if (!t.done)
			put(&t, in, &taken, n, &text);
		need(t.done && t.malformed == result.malformed);
		if (t.malformed)
			continue;
		need(is_same(&text, &result.text) && t.size == result.size);
		need(t.received == result.received);
		unquote(&text, &plain);
		need(is_same(&plain, &result.plain));
	}
	texts++;
}

static void
try_all(char *in, size_t n, unsigned int left)
{
	size_t i, length;

	memcpy(in + n, END, sizeof(END));
	cut_everywhere(in, n + sizeof(END) - 1, false);
	cut_everywhere(in, n + sizeof(END) - 1, true);
	for (i = 0; i < COUNT && left > 0; i++) {
		length = strlen(parts[i]);
		memcpy(in + n, parts[i], length);
		try_all(in, n + length, left - 1);
	}
}

int
main(void)
{
	char in[LONGEST];

	try_all(in, 0, PARTS);
	printf("%lu texts\n", texts);
	return (0);
}

/* SPDX-License-Identifier: ISC */
#include "reply.h"

#include <stdio.h>
#include <string.h>

/*
 * The texts, end to end, and where each begins: without pointers, so that
 * nothing has to be put right at the start.
 */
static const struct texts {
#define R(name, number, detail, text) char name[sizeof(text)];
	REPLIES(R)
#undef R
} texts = {
#define R(name, number, detail, text) text,
	REPLIES(R)
#undef R
};

static const struct {
	int16_t		 number;
	uint16_t	 text;		/* where in the texts */
	char		 detail[6];
} replies[REPLY_COUNT] = {
#define R(name, number, detail, text) \
	[name] = { number, offsetof(struct texts, name), detail },
	REPLIES(R)
#undef R
};

static const char *const fault_texts[PATH_FAULTS] = {
#define F(fault, text) [fault] = text,
	FAULT_TEXTS(F)
#undef F
};

int
reply_number(enum reply reply)
{
	return (replies[reply].number);
}

const char *
fault_text(enum path_fault fault)
{
	return (fault_texts[fault]);
}

/* Append to LINE, which keeps room for its CR LF, what is printable anyway. */
static size_t
append(char *line, size_t length, const char *text, size_t n)
{
	if (n > REPLY_LINE_LIMIT - 2 - length)
		n = REPLY_LINE_LIMIT - 2 - length;
	memcpy(line + length, text, n);
	return (length + n);
}

/* The same with what came from elsewhere. */
static size_t
append_argument(char *line, size_t length, struct slice text, bool utf8)
{
	size_t n;

	for (; text.length > 0; text.at += n, text.length -= n) {
		n = utf8 ? utf8_length(text) : 0;
		if (length + (n > 0 ? n : 1) > REPLY_LINE_LIMIT - 2)
			break;
		if (n > 0) {
			memcpy(line + length, text.at, n);
			length += n;
			continue;
		}
		n = 1;
		line[length++] = text.at[0] >= ' ' && text.at[0] <= '~' ?
		    text.at[0] :
		    '?';
	}
	return (length);
}

size_t
format_reply(char *line, enum reply reply, bool more, const char *argument,
    bool utf8)
{
	const char *text = (const char *)&texts + replies[reply].text;
	const char *hole = strchr(text, '%');
	const char *detail = replies[reply].detail;
	int number = replies[reply].number;
	size_t length;

	length = (size_t)(detail[0] == '\0' ?
		snprintf(line, REPLY_LINE_LIMIT, "%d%c", number,
		    more ? '-' : ' ') :
	    snprintf(line, REPLY_LINE_LIMIT, "%d%c%d.%s ", number,
	    more ? '-' : ' ', number / 100, detail));
	if (hole == NULL) {
		length = append(line, length, text, strlen(text));
	} else {
		length = append(line, length, text, (size_t)(hole - text));
		length = append_argument(line, length,
		    slice_of(argument != NULL ? argument : ""), utf8);
		length = append(line, length, hole + 2, strlen(hole + 2));
	}
	line[length++] = '\r';
	line[length++] = '\n';
	return (length);
}

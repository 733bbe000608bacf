/* SPDX-License-Identifier: ISC */
#include "reply.h"

#include <stdio.h>
#include <string.h>

/* Without pointers, so that nothing has to be put right at the start. */
static const struct {
	int16_t		 number;
	char		 detail[6];
	char		 text[72];
} replies[REPLY_COUNT] = {
#define R(name, number, detail, text) [name] = { number, detail, text },
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

/* Append to LINE, which keeps room for its CR LF. */
static size_t
append(char *line, size_t length, const char *text, size_t text_length)
{
	size_t i;

	for (i = 0; i < text_length && length < REPLY_LINE_LIMIT - 2; i++)
		line[length++] = text[i] >= ' ' && text[i] <= '~' ? text[i] :
								    '?';
	return (length);
}

size_t
format_reply(char *line, enum reply reply, bool more, const char *argument)
{
	const char *text = replies[reply].text, *hole = strstr(text, "%s");
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
		if (argument == NULL)
			argument = "";
		length = append(line, length, text, (size_t)(hole - text));
		length = append(line, length, argument, strlen(argument));
		length = append(line, length, hole + 2, strlen(hole + 2));
	}
	line[length++] = '\r';
	line[length++] = '\n';
	return (length);
}

/* SPDX-License-Identifier: ISC */
#include "session.h"

#include "clock.h"
#include "log.h"
#include "pages.h"
#include "peer.h"
#include "settings.h"
#include "spool.h"

#include <stdio.h>
#include <string.h>

LARGE_TAIL struct session session;

struct answer
say(enum reply reply)
{
	return ((struct answer){ reply, NULL });
}

struct answer
say_with(enum reply reply, const char *argument)
{
	return ((struct answer){ reply, argument });
}

const char *
decimal(uint64_t number)
{
	static char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	return (text);
}

const char *
client(void)
{
	return (client_literal[0] != '\0' ? client_literal : "unknown");
}

const char *
show(char *buffer, size_t size, const char *text)
{
	char *c;

	printable(buffer, size, text, strlen(text));
	for (c = buffer; *c != '\0'; c++)
		if (*c == '<' || *c == '>')	/* they stand around it */
			*c = '?';
	return (buffer);
}

void
put_line(enum reply reply, const char *argument)
{
	char line[REPLY_LINE_LIMIT];

	put_output(line,
	    format_reply(line, reply, true, argument, session.reply_utf8),
	    session.wait_until);
}

static void
log_refusal(struct slice command, const char *reply, size_t length)
{
	char shown[200], helo[80], from[PATH_LIMIT + 1];
	char said[REPLY_LINE_LIMIT];

	log_line(LOG_NOTICE,
	    "refused client=%s helo=<%s> from=<%s> "
	    "command=\"%s\" reply=\"%s\"",
	    client(), show(helo, sizeof(helo), session.hello),
	    show(from, sizeof(from), session.envelope.reverse_path),
	    printable(shown, sizeof(shown), command.at, command.length),
	    printable(said, sizeof(said), reply, length));
}

void
put_answer(struct answer answer, struct slice command)
{
	char line[REPLY_LINE_LIMIT];
	size_t length = format_reply(line, answer.reply, false, answer.argument,
	    session.reply_utf8);

	put_output(line, length, session.wait_until);
	if (reply_number(answer.reply) >= 400)
		log_refusal(command, line, length - 2);
}

void
end_session(enum reply reply, const char *why)
{
	session.end = why;
	session.state = ENDED;
	put_answer(say_with(reply, settings.hostname), (struct slice){ "", 0 });
}
void
enter_ready(void)
{
	session.state = session.hello[0] != '\0' ? READY : START;
	session.envelope.reverse_path[0] = '\0';
	session.envelope.count = 0;
	session.accepted = 0;
	session.first_recipient[0] = '\0';
	session.declared_size = 0;
	session.rcpt_count = 0;
	session.utf8 = false;
	empty_spool();
}

void
copy_text(char *to, size_t size, struct slice from)
{
	size_t n = from.length < size ? from.length : size - 1;

	memcpy(to, from.at, n);
	to[n] = '\0';
}

void
set_wait(uint64_t seconds)
{
	session.wait_until = now_ms() + (int64_t)seconds * 1000;
	if (session.wait_until > session.deadline)
		session.wait_until = session.deadline;
	if ((session.state & (CHUNKS | SPOILED)) != 0 &&
	    session.wait_until > session.data_deadline)
		session.wait_until = session.data_deadline;
}

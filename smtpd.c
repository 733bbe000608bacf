/* SPDX-License-Identifier: ISC */
/*
 * The session: its states, the table of commands, their handlers, and main.
 * The order of commands is in the table and nowhere else.
 */
#include "clock.h"
#include "data.h"
#include "line.h"
#include "log.h"
#include "peer.h"
#include "privsep.h"
#include "reply.h"
#include "settings.h"
#include "spool.h"
#include "stop.h"
#include "surroundings.h"
#include "users.h"

#include <sys/syscall.h>
#include <sys/time.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define VERSION		"0.1"
#define OPTIONS_LIMIT	64	/* -o settings on one command line */
#define FREE_ERRORS	10	/* the refusals that cost no error-delay */
#define DECLARED_SIZE_LIMIT ((uint64_t)1 << 60)	/* no sum of it overflows */
#define CANDIDATES	10	/* that VRFY lists of an ambiguous name */

/* Where the transaction is (RFC 5321 3.3); as bits, so that a row has many. */
enum state {
	START		= 1,	/* no HELO or EHLO yet */
	READY		= 2,
	SENDER		= 4,	/* MAIL was taken */
	RECIPIENTS	= 8,	/* and a RCPT */
	RECEIVING	= 16,	/* and DATA */
	ENDED		= 32,
	ANY		= START | READY | SENDER | RECIPIENTS,
	SAME		= 0
};

/* What a handler says: a reply, and what stands for its %s. */
struct answer {
	enum reply	 reply;
	const char	*argument;
};

static struct {
	enum state	state;
	bool		esmtp;		/* EHLO, not HELO */
	int64_t		deadline;	/* of the whole session */
	int64_t		wait_until;	/* of what is waited for now */
	char		id[ID_SIZE - 8];
	char		hello[DOMAIN_LIMIT + 1];
	struct envelope	envelope;	/* of the transaction */
	char		first_recipient[PATH_LIMIT + 1];
	bool		size_given;	/* SIZE= */
	uint64_t	declared_size;	/* 0 if it was not */
	unsigned int	messages;	/* delivered */
	unsigned int	transactions;
	unsigned int	refused;	/* commands with 5yz */
	const char	*end;		/* why it ended, for the log */
} session;

/* ----------------------------------------------------------- answering */

static struct answer
say(enum reply reply)
{
	return ((struct answer){ reply, NULL });
}

static struct answer
say_with(enum reply reply, const char *argument)
{
	return ((struct answer){ reply, argument });
}

static const char *
decimal(uint64_t number)
{
	static char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	return (text);
}

static const char *
client(void)
{
	return (client_literal[0] != '\0' ? client_literal : "unknown");
}

static const char *
show(char *buffer, size_t size, const char *text)
{
	char *c;

	printable(buffer, size, text, strlen(text));
	for (c = buffer; *c != '\0'; c++)
		if (*c == '<' || *c == '>')	/* they stand around it */
			*c = '?';
	return (buffer);
}

/* One line of several; the handler's answer is the last. */
static void
put_line(enum reply reply, const char *argument)
{
	char line[REPLY_LINE_LIMIT];

	put_output(line, format_reply(line, reply, true, argument),
	    session.wait_until);
}

static void
log_refusal(struct slice command, const char *reply, size_t length)
{
	char shown[200], helo[80], from[PATH_LIMIT + 1];

	log_line(LOG_NOTICE,
	    "refused client=%s helo=<%s> from=<%s> "
	    "command=\"%s\" reply=\"%.*s\"",
	    client(), show(helo, sizeof(helo), session.hello),
	    show(from, sizeof(from), session.envelope.reverse_path),
	    printable(shown, sizeof(shown), command.at, command.length),
	    (int)length, reply);
}

/* A reply to the client; a refusal is logged with what was refused. */
static void
put_answer(struct answer answer, struct slice command)
{
	char line[REPLY_LINE_LIMIT];
	size_t length = format_reply(line, answer.reply, false,
	    answer.argument);

	put_output(line, length, session.wait_until);
	if (reply_number(answer.reply) >= 400)
		log_refusal(command, line, length - 2);
}

/* 421 and the end (RFC 5321 3.8). */
static void
end_session(enum reply reply, const char *why)
{
	session.end = why;
	session.state = ENDED;
	put_answer(say_with(reply, settings.hostname), (struct slice){ "", 0 });
}

/* ---------------------------------------------------------- transaction */

/* The only place that clears the transaction; HELO's name stays. */
static void
enter_ready(void)
{
	session.state = session.hello[0] != '\0' ? READY : START;
	session.envelope.reverse_path[0] = '\0';
	session.envelope.count = 0;
	session.first_recipient[0] = '\0';
	session.declared_size = 0;
	empty_spool();
}

static void
copy_text(char *to, size_t size, struct slice from)
{
	size_t n = from.length < size ? from.length : size - 1;

	memcpy(to, from.at, n);
	to[n] = '\0';
}

static uint64_t
message_size_limit(void)
{
	return (settings.message_size_limit != 0 ? settings.message_size_limit :
						   UINT64_MAX);
}

/* ------------------------------------------------------------- handlers */

/* Any name will do (RFC 5321 4.1.4); many a device has none of its own. */
static bool
take_hello(struct slice name, bool esmtp)
{
	if (name.length > DOMAIN_LIMIT)
		return (false);
	session.esmtp = esmtp;
	copy_text(session.hello, sizeof(session.hello), name);
	return (true);
}

static struct answer
handle_helo(struct slice name)
{
	if (!take_hello(name, false))
		return (say_with(SYNTAX, "HELO name"));
	return (say_with(HELLO, settings.hostname));
}

static struct answer
handle_ehlo(struct slice name)
{
	if (!take_hello(name, true))
		return (say_with(SYNTAX, "EHLO name"));
	put_line(HELLO, settings.hostname);
	put_line(OFFER_PIPELINING, NULL);
	put_line(OFFER_SIZE, decimal(settings.message_size_limit));
	put_line(OFFER_8BITMIME, NULL);
	put_line(OFFER_ENHANCED, NULL);
	return (say(OFFER_HELP));
}

/* SIZE=n (RFC 1870 3) and BODY= (RFC 6152 2); the rest is unknown. */
static struct answer
take_mail_parameter(const struct parameter *parameter)
{
	static char name[32];

	if (session.esmtp && equal_fold(parameter->keyword, slice_of("SIZE"))) {
		if (session.size_given ||
		    (!parse_number(parameter->value, &session.declared_size) &&
		    session.declared_size != UINT64_MAX))
			return (say_with(BAD_PARAMETER, "SIZE"));
		session.size_given = true;
		if (session.declared_size > message_size_limit() ||
		    session.declared_size > DECLARED_SIZE_LIMIT)
			return (say_with(MESSAGE_TOO_BIG,
			    decimal(settings.message_size_limit)));
		return (say(OK));
	}
	if (session.esmtp && equal_fold(parameter->keyword, slice_of("BODY"))) {
		if (equal_fold(parameter->value, slice_of("7BIT")) ||
		    equal_fold(parameter->value, slice_of("8BITMIME")))
			return (say(OK));
		return (say_with(BAD_PARAMETER, "BODY"));
	}
	return (say_with(UNKNOWN_PARAMETER,
	    printable(name, sizeof(name), parameter->keyword.at,
		parameter->keyword.length)));
}

static struct answer
handle_mail(struct slice text)
{
	struct parameter parameter;
	struct answer answer;
	enum path_fault fault;
	struct path path;

	if (!skip_prefix(&text, "FROM:"))
		return (say_with(SYNTAX, "MAIL FROM:<address>"));
	fault = parse_path(&text, REVERSE_PATH, &path);
	if (fault != PATH_FINE)
		return (say_with(BAD_SENDER, fault_text(fault)));
	session.declared_size = 0;
	session.size_given = false;
	while (parse_parameter(&text, &parameter)) {
		answer = take_mail_parameter(&parameter);
		if (answer.reply != OK)
			return (answer);
	}
	if (text.length > 0)
		return (say_with(SYNTAX, "MAIL FROM:<address> [NAME=VALUE]"));
	copy_text(session.envelope.reverse_path,
	    sizeof(session.envelope.reverse_path), path.mailbox);
	return (say(SENDER_OK));
}

static bool
is_local(const struct path *path)
{
	if (path->literal.family != 0)
		return (is_our_address(&path->literal));
	return (path->domain.length == 0 || is_our_domain(path->domain));
}

static struct answer
answer_of(enum outcome outcome, const char *note)
{
	switch (outcome) {
	case DELIVERED:
		return (say(OK));
	case MAILBOX_LOCKED:
		return (say_with(MAILBOX_BUSY, note));
	case MAILBOX_REFUSED:
		return (say(MAILBOX_UNUSABLE));
	case MAILBOX_TOO_FULL:
		return (say(MAILBOX_FULL));
	case NO_DISK_SPACE:
		return (say(DISK_FULL));
	case DELIVERY_FAILED:
		break;
	case DELIVERY_STOPPED:
		session.state = ENDED;
		session.end = "stopped";
		return (say_with(SHUTTING_DOWN, settings.hostname));
	}
	return (say(LOCAL_ERROR));
}

static bool
is_on_list(uint32_t place)
{
	uint32_t i;

	for (i = 0; i < session.envelope.count; i++)
		if (session.envelope.recipients[i].place == place)
			return (true);
	return (false);
}

/* A user once, however often he is named. */
static struct answer
add_recipient(const struct user *user, struct slice detail,
    const struct path *path)
{
	struct envelope *envelope = &session.envelope;
	struct recipient_request *recipient;
	enum outcome outcome;

	if (is_on_list(user->place)) {
		session.first_recipient[0] = '\0';
		return (say(RECIPIENT_OK));
	}
	if (envelope->count >= settings.recipient_limit)
		return (say(TOO_MANY_RECIPIENTS));
	outcome = ask_check(user->place, session.declared_size);
	if (outcome != DELIVERED)
		return (answer_of(outcome, ""));
	recipient = &envelope->recipients[envelope->count++];
	recipient->place = user->place;
	copy_text(recipient->detail, sizeof(recipient->detail), detail);
	copy_text(session.first_recipient, sizeof(session.first_recipient),
	    envelope->count == 1 ? path->mailbox : (struct slice){ "", 0 });
	return (say(RECIPIENT_OK));
}

static struct answer
handle_rcpt(struct slice text)
{
	struct parameter parameter;
	enum path_fault fault;
	struct slice detail;
	struct path path;
	struct user user;
	static char name[32];

	if (!skip_prefix(&text, "TO:"))
		return (say_with(SYNTAX, "RCPT TO:<address>"));
	fault = parse_path(&text, FORWARD_PATH, &path);
	if (fault != PATH_FINE)
		return (say_with(BAD_RECIPIENT, fault_text(fault)));
	if (parse_parameter(&text, &parameter))
		return (say_with(UNKNOWN_PARAMETER,
		    printable(name, sizeof(name), parameter.keyword.at,
		    parameter.keyword.length)));
	if (text.length > 0)
		return (say_with(SYNTAX, "RCPT TO:<address>"));
	if (!is_local(&path))
		return (say(NOT_OUR_DOMAIN));
	switch (find_recipient((struct slice){ path.local_part,
				   path.local_part_length },
	    &user, &detail)) {
	case USER_FOUND:
		return (add_recipient(&user, detail, &path));
	case USERS_UNKNOWN:
		return (say(USERS_UNREADABLE));
	default:
		return (say(NO_SUCH_USER));
	}
}

static struct answer
handle_data(struct slice none)
{
	(void)none;
	return (say(SEND_DATA));
}

static struct answer
handle_rset(struct slice none)
{
	(void)none;
	return (say(OK));
}

static struct answer
handle_noop(struct slice ignored)
{
	(void)ignored;
	return (say(OK));
}

static struct answer
handle_quit(struct slice none)
{
	(void)none;
	session.end = "quit";
	return (say_with(GOODBYE, settings.hostname));
}

/* "Full Name <user@domain>", the domain being the first that we serve. */
static const char *
user_text(const struct user *user)
{
	static char text[REPLY_LINE_LIMIT];
	struct slice list = slice_of(settings.domains), domain;
	char name[128];
	size_t length = full_name(user, name, sizeof(name));

	if (!next_word(&list, &domain) ||
	    equal_fold(domain, slice_of("hostname")))
		domain = slice_of(settings.hostname);
	snprintf(text, sizeof(text), "%s%s<%.*s@%.*s>", name,
	    length > 0 ? " " : "", (int)user->name.length, user->name.at,
	    (int)domain.length, domain.at);
	return (text);
}

/* 553 and whom it may be (RFC 5321 3.5.1). */
static struct answer
list_candidates(struct slice name)
{
	struct user user;
	uint32_t place = 0;
	int i;

	put_line(AMBIGUOUS_USER, NULL);
	for (i = 1; find_by_full_name(name, place, &user) == USER_SEVERAL &&
	     i < CANDIDATES;
	     i++) {
		put_line(POSSIBLE_USER, user_text(&user));
		place = next_place(&user);
	}
	find_by_full_name(name, place, &user);
	return (say_with(POSSIBLE_USER, user_text(&user)));
}

static struct answer
verify_name(struct slice name)
{
	struct slice detail;
	struct user user;

	switch (find_recipient(name, &user, &detail)) {
	case USER_FOUND:
		return (say_with(USER_IS, user_text(&user)));
	case USERS_UNKNOWN:
		return (say(USERS_UNREADABLE));
	default:
		break;
	}
	switch (find_by_full_name(name, 0, &user)) {
	case USER_FOUND:
		return (say_with(USER_IS, user_text(&user)));
	case USER_SEVERAL:
		return (list_candidates(name));
	default:
		return (say(NO_SUCH_USER));
	}
}

/* A mailbox, with or without <>, or else a name, perhaps in quotes. */
static struct answer
handle_vrfy(struct slice text)
{
	struct slice mailbox = text;
	struct path path;

	if (!settings.vrfy)
		return (say(CANNOT_VERIFY));
	if (parse_path(&mailbox, FORWARD_PATH, &path) == PATH_FINE &&
	    mailbox.length == 0) {
		if (!is_local(&path))
			return (say(NOT_OUR_DOMAIN));
		return (verify_name((struct slice){ path.local_part,
		    path.local_part_length }));
	}
	if (text.length > 2 && (text.at[0] == '"' || text.at[0] == '<') &&
	    text.at[text.length - 1] == (text.at[0] == '"' ? '"' : '>')) {
		text.at++;
		text.length -= 2;
	}
	return (verify_name(text));
}

static struct answer handle_help(struct slice topic);

/* ------------------------------------------------------------ the table */

enum argument { NONE, OPTIONAL, REQUIRED };

/*
 * A row a verb: in which states it may come, whether it takes an argument,
 * which state follows when its handler is content, and its syntax.  A verb
 * without a handler is known and not implemented.
 */
static const struct command {
	const char	*verb;
	unsigned int	 when;
	enum argument	 argument;
	enum state	 next;
	struct answer	 (*handler)(struct slice argument);
	size_t		 extra;		/* octets past COMMAND_LINE_LIMIT */
	const char	*syntax;
} commands[] = {
	/* clang-format off */
	{ "HELO", ANY,		REQUIRED, READY,	handle_helo, 0,
	    "HELO name" },
	{ "EHLO", ANY,		REQUIRED, READY,	handle_ehlo, 0,
	    "EHLO name" },
	/* SIZE adds 26 octets (RFC 1870 3), BODY 17 (RFC 6152 2). */
	{ "MAIL", READY,	REQUIRED, SENDER,	handle_mail, 26 + 17,
	    "MAIL FROM:<address> [SIZE=octets] [BODY=7BIT|8BITMIME]" },
	{ "RCPT", SENDER | RECIPIENTS,
				REQUIRED, RECIPIENTS,	handle_rcpt, 0,
	    "RCPT TO:<address>" },
	{ "DATA", RECIPIENTS,	NONE,	  RECEIVING,	handle_data, 0,
	    "DATA" },
	{ "RSET", ANY,		NONE,	  READY,	handle_rset, 0,
	    "RSET" },
	{ "NOOP", ANY,		OPTIONAL, SAME,		handle_noop, 0,
	    "NOOP [text]" },
	{ "VRFY", ANY,		REQUIRED, SAME,		handle_vrfy, 0,
	    "VRFY user or full name" },
	{ "HELP", ANY,		OPTIONAL, SAME,		handle_help, 0,
	    "HELP [command]" },
	{ "QUIT", ANY,		NONE,	  ENDED,	handle_quit, 0,
	    "QUIT" },
	{ "EXPN", ANY,		REQUIRED, SAME,		NULL, 0,
	    "EXPN list" },
	{ "SEND", READY,	REQUIRED, SENDER,	NULL, 0,
	    "SEND FROM:<address>" },
	{ "SOML", READY,	REQUIRED, SENDER,	NULL, 0,
	    "SOML FROM:<address>" },
	{ "SAML", READY,	REQUIRED, SENDER,	NULL, 0,
	    "SAML FROM:<address>" },
	{ "TURN", ANY,		NONE,	  SAME,		NULL, 0,
	    "TURN" },
	/* clang-format on */
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct command *
find_command(struct slice verb)
{
	size_t i;

	for (i = 0; i < COMMANDS; i++)
		if (equal_fold(verb, slice_of(commands[i].verb)))
			return (&commands[i]);
	return (NULL);
}

static struct answer
handle_help(struct slice topic)
{
	const struct command *command = find_command(topic);
	char text[COMMANDS * 5 + 16] = "Commands:";
	size_t i;

	if (topic.length > 0)
		return (command == NULL || command->handler == NULL ?
			say(UNKNOWN_TOPIC) :
			say_with(HELP_TEXT, command->syntax));
	for (i = 0; i < COMMANDS; i++) {
		if (commands[i].handler == NULL)
			continue;
		strcat(text, " ");
		strcat(text, commands[i].verb);
	}
	put_line(HELP_TEXT, text);
	return (say_with(HELP_TEXT, "HELP and one of them tells its syntax"));
}

/* What is missing, or one too many, in this state. */
static struct answer
out_of_order(const struct command *command)
{
	if (session.state == START)
		return (say(NEED_HELLO));
	if (command->when == READY)
		return (say(SENDER_GIVEN));
	return (say(session.state == READY ? NEED_SENDER : NEED_RECIPIENT));
}

/* One command: 500, 502, 503 and 501 come from the table alone. */
static struct answer
step(struct slice line)
{
	const struct command *command;
	struct slice verb, argument;
	struct answer answer;

	if (has_control(line))
		return (say(BAD_CHARACTER));
	parse_command(line, &verb, &argument);
	command = find_command(verb);
	if (line.length + 2 >
	    COMMAND_LINE_LIMIT + (command != NULL ? command->extra : 0))
		return (say(TOO_LONG));
	if (command == NULL)
		return (say(UNKNOWN_COMMAND));
	if (command->handler == NULL)
		return (say(NOT_IMPLEMENTED));
	if ((command->when & session.state) == 0)
		return (out_of_order(command));
	if ((command->argument == NONE && argument.length > 0) ||
	    (command->argument == REQUIRED && argument.length == 0))
		return (say_with(SYNTAX, command->syntax));
	answer = command->handler(argument);
	if (reply_number(answer.reply) >= 400 || command->next == SAME)
		return (answer);
	if (command->next == READY)
		enter_ready();
	else
		session.state = command->next;
	return (answer);
}

/* ------------------------------------------------------------ mail data */

/* RFC 5321 4.4; where HELO gave no domain it goes into a comment. */
static void
write_received(void)
{
	char text[1280], helo[DOMAIN_LIMIT + 1], date[64];
	struct slice hello = slice_of(session.hello);
	bool for_one = session.first_recipient[0] != '\0';
	struct address literal;
	bool named = is_domain(hello) || parse_literal(hello, &literal);
	time_t now = time(NULL);
	struct tm tm;
	int n;

	localtime_r(&now, &tm);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S %z", &tm);
	show(helo, sizeof(helo), session.hello);
	helo[strcspn(helo, "()")] = '\0';
	n = snprintf(text, sizeof(text),
	    "Received: from %s (%s%s)\n"
	    "\tby %s (in.smtpd) with %s id %s%s%s%s;\n\t%s\n",
	    named ? helo : client(), named ? "" : "helo ",
	    named ? client() : helo, settings.hostname,
	    session.esmtp ? "ESMTP" : "SMTP", session.envelope.id,
	    for_one ? "\n\tfor <" : "", session.first_recipient,
	    for_one ? ">" : "", date);
	if (n > 0 && (size_t)n < sizeof(text))
		write_spool(text, (size_t)n);
}

static struct answer
deliver(uint64_t size)
{
	static char note[NOTE_SIZE];
	char helo[80], from[PATH_LIMIT + 1];
	enum outcome outcome = ask_deliver(&session.envelope, note);

	if (outcome != DELIVERED)
		return (answer_of(outcome, note));
	session.messages++;
	log_line(LOG_INFO,
	    "accepted message=%s client=%s helo=<%s> "
	    "from=<%s> nrcpt=%u size=%llu",
	    session.envelope.id, client(),
	    show(helo, sizeof(helo), session.hello),
	    show(from, sizeof(from), session.envelope.reverse_path),
	    session.envelope.count, (unsigned long long)size);
	return (say_with(ACCEPTED, session.envelope.id));
}

/* From the 354 to its verdict; false if the session cannot go on. */
static bool
receive_message(struct answer *answer, enum line_status *status)
{
	uint64_t size = 0;

	snprintf(session.envelope.id, sizeof(session.envelope.id), "%s.%u",
	    session.id, ++session.transactions);
	write_received();
	switch (receive_data(message_size_limit(), settings.bare_newline,
	    session.wait_until, &size, status)) {
	case DATA_COMPLETE:
		*answer = deliver(size);
		return (true);
	case DATA_TOO_BIG:
		*answer = say_with(MESSAGE_TOO_BIG,
		    decimal(settings.message_size_limit));
		return (true);
	case DATA_MALFORMED:
		*answer = say(BARE_NEWLINE);
		return (true);
	case DATA_LOOPS:
		*answer = say(LOOP);
		return (true);
	case DATA_NO_SPACE:
		*answer = say(DISK_FULL);
		return (true);
	case DATA_FAILED:
		*answer = say(LOCAL_ERROR);
		return (true);
	case DATA_CUT_SHORT:
		break;
	}
	return (false);
}

/* ------------------------------------------------------------- the loop */

static void
set_wait(uint64_t seconds)
{
	session.wait_until = now_ms() + (int64_t)seconds * 1000;
	if (session.wait_until > session.deadline)
		session.wait_until = session.deadline;
}

/* Past the tenth each refusal costs time. */
static enum line_status
pay_for_refusal(void)
{
	int64_t until = now_ms() + (int64_t)settings.error_delay * 1000;

	if (++session.refused <= FREE_ERRORS || settings.error_delay == 0)
		return (LINE_OK);
	return (pause_session(until < session.deadline ? until :
							 session.deadline));
}

static void
end_by_status(enum line_status status)
{
	session.state = ENDED;
	if (status == LINE_TIMEOUT)
		end_session(TIMED_OUT, "timeout");
	else if (status == LINE_STOP)
		end_session(SHUTTING_DOWN, "stopped");
	else
		session.end = "lost connection";
}

static void
answer_command(struct slice line, enum line_status status)
{
	struct answer answer;

	if (status == LINE_OK) {
		answer = step(line);
	} else {
		answer = say(status == LINE_TOO_LONG ? TOO_LONG : BAD_LINE_END);
		line = (struct slice){ "", 0 };
	}
	status = reply_number(answer.reply) >= 500 ? pay_for_refusal() :
	    LINE_OK;
	if (status != LINE_OK) {
		end_by_status(status);
		return;
	}
	put_answer(answer, line);
	if (session.refused >= settings.error_limit && session.state != ENDED)
		end_session(TOO_MANY_ERRORS, "too many errors");
}

static void
receive_and_answer(void)
{
	enum line_status status;
	struct answer answer;

	set_wait(settings.data_timeout);
	if (!receive_message(&answer, &status)) {
		end_by_status(status);
		return;
	}
	put_answer(answer, slice_of("DATA"));
	if (session.state != ENDED)
		enter_ready();
}

static void
run_session(void)
{
	enum line_status status;
	struct slice line;

	put_answer(say_with(GREETING, settings.hostname),
	    (struct slice){ "", 0 });
	while (session.state != ENDED) {
		if (session.state == RECEIVING) {
			receive_and_answer();
			continue;
		}
		set_wait(settings.command_timeout);
		status = read_line(&line, settings.bare_newline,
		    session.wait_until);
		if (status > LINE_BAD_END)
			end_by_status(status);
		else
			answer_command(line, status);
	}
	set_wait(settings.command_timeout);
	if (strcmp(session.end, "quit") == 0)
		flush_output(session.wait_until);
	else
		close_output(session.wait_until);
}

/* ----------------------------------------------------------------- main */

/* Unique on this host for good: microseconds and the process (RFC 5321 4.4). */
static void
make_session_id(void)
{
	struct timeval now;

	gettimeofday(&now, NULL);
	snprintf(session.id, sizeof(session.id), "%llX.%lX",
	    (unsigned long long)now.tv_sec * 1000000 +
		(unsigned long long)now.tv_usec,
	    (unsigned long)getpid());
	set_log_id(session.id);
}

/* What the super-server left open is nobody's here. */
static void
close_inherited(void)
{
#ifdef SYS_close_range
	(void)syscall(SYS_close_range, STDERR_FILENO + 1U, ~0U, 0U);
#endif
}

/*
 * Without descriptors 0 and 1 there is no client; without 2, what is opened
 * next would get its number, and the log with it.
 */
static void
check_descriptors(void)
{
	if (fcntl(STDIN_FILENO, F_GETFD) == -1 ||
	    fcntl(STDOUT_FILENO, F_GETFD) == -1)
		_exit(1);
	if (fcntl(STDERR_FILENO, F_GETFD) == -1 &&
	    dup2(open("/dev/null", O_WRONLY), STDERR_FILENO) == -1 &&
	    dup2(STDOUT_FILENO, STDERR_FILENO) == -1)
		_exit(1);
}

static void
prepare_signals(void)
{
	hold_stop_signals();
	signal(SIGCHLD, SIG_DFL);	/* the deliverer waits for its child */
	signal(SIGPIPE, SIG_IGN);	/* a write says EPIPE */
	signal(SIGXFSZ, SIG_IGN);	/* and EFBIG */
}

static void
say_misconfigured(void)
{
	char line[REPLY_LINE_LIMIT];
	const char *name = settings.hostname != NULL ? settings.hostname :
	    "localhost";

	put_output(line, format_reply(line, MISCONFIGURED, false, name),
	    now_ms() + 1000);
	flush_output(now_ms() + 1000);
}

struct arguments {
	const char	*file;
	char		*options[OPTIONS_LIMIT];
	size_t		 option_count;
	bool		 test;
	bool		 help;
	const char	*error;
};

static void
read_arguments(int argc, char **argv, struct arguments *arguments)
{
	int c;

	while ((c = getopt(argc, argv, ":f:o:tVh")) != -1) {
		switch (c) {
		case 'f':
			arguments->file = optarg;
			break;
		case 'o':
			if (arguments->option_count == OPTIONS_LIMIT)
				arguments->error = "too many -o";
			else
				arguments->options
				    [arguments->option_count++] = optarg;
			break;
		case 't':
			arguments->test = true;
			break;
		case 'V':
			dprintf(STDOUT_FILENO, "in.smtpd %s\n", VERSION);
			_exit(0);
		case 'h':
			arguments->help = true;
			break;
		default:
			arguments->error = "usage: in.smtpd [-f file] "
			    "[-o name=value]... [-t] [-V] [-h]";
		}
	}
	if (optind < argc)
		arguments->error = "there is an argument too many";
}

static void
print_help(void)
{
	dprintf(STDOUT_FILENO,
	    "usage: in.smtpd [-f file] "
	    "[-o name=value]... [-t] [-V] [-h]\n"
	    "Settings, for " SETTINGS_FILE " or -o, with their defaults:\n");
	print_settings_help(STDOUT_FILENO);
}

/* -t: every setting, and what on this host stands against them. */
static int
test_settings(const char *error)
{
	if (error != NULL) {
		dprintf(STDERR_FILENO, "in.smtpd: %s\n", error);
		return (1);
	}
	print_settings(STDOUT_FILENO);
	return (check_surroundings(STDERR_FILENO) ? 0 : 1);
}

static void
enter_chroot(void)
{
	if (settings.chroot[0] != '\0' &&
	    (chdir(settings.chroot) == -1 || chroot(".") == -1))
		die("cannot chroot to %s: %s", settings.chroot,
		    strerror(errno));
}

/* What the session needs of the file system, before it can reach none. */
static void
prepare(void)
{
	tzset();
	find_peer();
	enter_chroot();
	if (!open_users(settings.passwd))
		log_line(LOG_ERR, "cannot read %s: %s", settings.passwd,
		    strerror(errno));
	if (!open_spool(settings.spool))
		die("cannot make a file in %s: %s", settings.spool,
		    strerror(errno));
}

int
main(int argc, char **argv)
{
	struct arguments arguments = { .file = NULL };
	const char *error;
	int64_t started = now_ms();

	close_inherited();
	check_descriptors();
	prepare_signals();
	read_arguments(argc, argv, &arguments);
	error = load_settings(arguments.file, arguments.options,
	    arguments.option_count);
	if (arguments.error != NULL)
		error = arguments.error;
	if (arguments.help) {
		print_help();
		return (0);
	}
	if (arguments.test)
		return (test_settings(error));
	open_log((enum log_target)settings.log);
	make_session_id();
	open_lines(STDIN_FILENO, STDOUT_FILENO);
	before_death = say_misconfigured;
	if (error != NULL)
		die("%s", error);
	prepare();
	session.deadline = started + (int64_t)settings.session_timeout * 1000;
	session.state = START;
	set_wait(settings.command_timeout);
	watch_stop(start_deliverer());
	run_session();
	log_line(LOG_INFO,
	    "disconnect client=%s reason=\"%s\" messages=%u "
	    "refused=%u duration=%lld.%03lld",
	    client(), session.end, session.messages, session.refused,
	    (long long)((now_ms() - started) / 1000),
	    (long long)((now_ms() - started) % 1000));
	return (0);
}

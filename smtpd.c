/* SPDX-License-Identifier: ISC */
/*
 * The session: the table of commands, the order that it gives them, the
 * loop, and main.  The order of commands is in the table and nowhere else.
 */
#include "aliases.h"
#include "clock.h"
#include "log.h"
#include "pages.h"
#include "peer.h"
#include "questions.h"
#include "settings.h"
#include "spool.h"
#include "stop.h"
#include "surroundings.h"
#include "transaction.h"

#include <sys/syscall.h>
#include <sys/time.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VERSION		"0.1"
#define OPTIONS_LIMIT	64	/* -o settings on one command line */
#define FREE_ERRORS	10	/* the refusals that cost no error-delay */

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

/* The limits of a transaction and of a session (RFC 9422 4). */
static const char *
limits(void)
{
	static char text[64];
	size_t n = (size_t)snprintf(text, sizeof(text), "RCPTMAX=%llu",
	    (unsigned long long)settings.recipient_limit);

	if (settings.transaction_limit != 0)
		snprintf(text + n, sizeof(text) - n, " MAILMAX=%llu",
		    (unsigned long long)settings.transaction_limit);
	return (text);
}

/* LHLO is the same in LMTP (RFC 2033 4.1). */
static struct answer
handle_ehlo(struct slice name)
{
	if (!take_hello(name, true))
		return (say_with(SYNTAX,
		    settings.protocol == LMTP ? "LHLO name" : "EHLO name"));
	put_line(HELLO, settings.hostname);
	put_line(OFFER_PIPELINING, NULL);
	put_line(OFFER_SIZE, decimal(settings.message_size_limit));
	put_line(OFFER_8BITMIME, NULL);
	put_line(OFFER_ENHANCED, NULL);
	put_line(OFFER_SMTPUTF8, NULL);
	put_line(OFFER_CHUNKING, NULL);
	put_line(OFFER_LIMITS, limits());
	if (settings.terminals) {
		put_line(OFFER_SEND, NULL);
		put_line(OFFER_SOML, NULL);
		put_line(OFFER_SAML, NULL);
	}
	if (settings.expn)
		put_line(OFFER_EXPN, NULL);
	if (settings.vrfy)
		put_line(OFFER_VRFY, NULL);
	return (say(OFFER_HELP));
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

static struct answer handle_help(struct slice topic);

/* ------------------------------------------------------------ the table */

enum argument { NONE, OPTIONAL, REQUIRED };
enum where { ALWAYS, IN_SMTP, IN_LMTP };

/*
 * A row a verb: in which states it may come, whether it takes an argument,
 * which state follows when its handler is content, its syntax, where that is
 * from, and in which protocol it is one.  A verb without a handler, or whose
 * setting is off, is known and not implemented.
 */
static const struct command {
	char		 verb[5];
	unsigned int	 when;
	enum argument	 argument;
	enum state	 next;
	struct answer	 (*handler)(struct slice argument);
	size_t		 extra;		/* octets past COMMAND_LINE_LIMIT */
	const char	*syntax;
	char		 source[18];	/* where it is from */
	enum where	 where;
	const uint64_t	*setting;	/* that it needs, or NULL */
} commands[] = {
	/* clang-format off */
	{ "HELO", ANY,		REQUIRED, READY,	handle_helo, 0,
	    "HELO name", "RFC 5321 4.1.1.1", IN_SMTP, NULL },
	{ "EHLO", ANY,		REQUIRED, READY,	handle_ehlo, 0,
	    "EHLO name", "RFC 5321 4.1.1.1", IN_SMTP, NULL },
	{ "LHLO", ANY,		REQUIRED, READY,	handle_ehlo, 0,
	    "LHLO name", "RFC 2033 4.1", IN_LMTP, NULL },
	/*
	 * SIZE adds 26 octets (RFC 1870 3), BODY 17 (RFC 6152 2), SMTPUTF8
	 * 10 (RFC 6531 3.1).
	 */
	{ "MAIL", READY,	REQUIRED, SENDER,	handle_mail,
	    26 + 17 + 10,
	    "MAIL FROM:<address> [SIZE=octets] [BODY=7BIT|8BITMIME] [SMTPUTF8]",
	    "RFC 5321 4.1.1.2", ALWAYS, NULL },
	{ "RCPT", SENDER | RECIPIENTS,
				REQUIRED, RECIPIENTS,	handle_rcpt, 0,
	    "RCPT TO:<address>", "RFC 5321 4.1.1.3", ALWAYS, NULL },
	{ "DATA", RECIPIENTS,	NONE,	  RECEIVING,	handle_data, 0,
	    "DATA", "RFC 5321 4.1.1.4", ALWAYS, NULL },
	{ "BDAT", RECIPIENTS | CHUNKS,
				REQUIRED, CHUNKS,	handle_bdat, 0,
	    "BDAT octets [LAST]", "RFC 3030 2", ALWAYS, NULL },
	{ "RSET", ANY,		NONE,	  READY,	handle_rset, 0,
	    "RSET", "RFC 5321 4.1.1.5", ALWAYS, NULL },
	{ "NOOP", ANY,		OPTIONAL, SAME,		handle_noop, 0,
	    "NOOP [text]", "RFC 5321 4.1.1.9", ALWAYS, NULL },
	{ "VRFY", ANY,		REQUIRED, SAME,		handle_vrfy, 10,
	    "VRFY user or full name [SMTPUTF8]", "RFC 5321 4.1.1.6", ALWAYS, NULL },
	{ "EXPN", ANY,		REQUIRED, SAME,		handle_expn, 10,
	    "EXPN list [SMTPUTF8]", "RFC 5321 4.1.1.7", ALWAYS, NULL },
	{ "HELP", ANY,		OPTIONAL, SAME,		handle_help, 0,
	    "HELP [command or STATUS]", "RFC 5321 4.1.1.8", ALWAYS, NULL },
	{ "QUIT", ANY,		NONE,	  ENDED,	handle_quit, 0,
	    "QUIT", "RFC 5321 4.1.1.10", ALWAYS, NULL },
	{ "SEND", READY,	REQUIRED, SENDER,	handle_send,
	    26 + 17 + 10,
	    "SEND FROM:<address> [SIZE=octets] [BODY=7BIT|8BITMIME] [SMTPUTF8]",
	    "RFC 821 3.4", ALWAYS, &settings.terminals },
	{ "SOML", READY,	REQUIRED, SENDER,	handle_soml,
	    26 + 17 + 10,
	    "SOML FROM:<address> [SIZE=octets] [BODY=7BIT|8BITMIME] [SMTPUTF8]",
	    "RFC 821 3.4", ALWAYS, &settings.terminals },
	{ "SAML", READY,	REQUIRED, SENDER,	handle_saml,
	    26 + 17 + 10,
	    "SAML FROM:<address> [SIZE=octets] [BODY=7BIT|8BITMIME] [SMTPUTF8]",
	    "RFC 821 3.4", ALWAYS, &settings.terminals },
	{ "TURN", ANY,		NONE,	  SAME,		NULL, 0,
	    "TURN", "RFC 821 3.8", ALWAYS, NULL },
	/* clang-format on */
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* Is it a command in the protocol that is spoken? */
static bool
is_spoken(const struct command *command)
{
	return (command->where == ALWAYS ||
	    (command->where == IN_LMTP) == (settings.protocol == LMTP));
}

static const struct command *
find_command(struct slice verb)
{
	size_t i;

	for (i = 0; i < COMMANDS; i++)
		if (equal_fold(verb, slice_of(commands[i].verb)) &&
		    is_spoken(&commands[i]))
			return (&commands[i]);
	return (NULL);
}

/* Is it spoken here, as the settings are? */
static bool
is_enabled(const struct command *command)
{
	return (command->handler != NULL &&
	    (command->setting == NULL || *command->setting != 0));
}

/* How the session stands (RFC 821 4.2: 211, system status). */
static struct answer
show_status(void)
{
	static LARGE char text[PATH_LIMIT + 3];
	const char *sender = session.envelope.reverse_path;
	bool begun = (session.state & (START | READY)) == 0;
	int64_t left = session.deadline - now_ms();

	snprintf(text, sizeof(text), "<%s>", sender);
	put_line(STATUS_SENDER, begun ? text : "none");
	put_line(STATUS_RECIPIENTS, decimal(session.envelope.count));
	put_line(STATUS_TRANSACTIONS, decimal(session.transactions));
	snprintf(text, sizeof(text), "SIZE=%s %s",
	    decimal(settings.message_size_limit), limits());
	put_line(STATUS_LIMITS, text);
	return (say_with(STATUS_TIME,
	    decimal(left > 0 ? (uint64_t)left / 1000 : 0)));
}

/* One command: its syntax, and where that is from. */
static struct answer
explain_command(const struct command *command)
{
	static LARGE char text[128];

	snprintf(text, sizeof(text), "%s (%s)", command->syntax,
	    command->source);
	return (say_with(HELP_TEXT, text));
}

static struct answer
handle_help(struct slice topic)
{
	const struct command *command = find_command(topic);
	char text[COMMANDS * 5 + 16] = "Commands:";
	size_t i;

	if (equal_fold(topic, TEXT("STATUS")))
		return (show_status());
	if (topic.length > 0)
		return (command == NULL || !is_enabled(command) ?
			say(UNKNOWN_TOPIC) :
			explain_command(command));
	for (i = 0; i < COMMANDS; i++) {
		if (!is_enabled(&commands[i]) || !is_spoken(&commands[i]))
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
		return (say(settings.protocol == LMTP ? NEED_LHLO :
							NEED_HELLO));
	if (session.state == CHUNKS)
		return (say(NEED_BDAT));
	if (session.state == SPOILED)
		return (say(CHUNK_REFUSED));
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
	if (!is_enabled(command))
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

/* ------------------------------------------------------------- the loop */

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

/* The only answer it gets: a browser must not be made to post mail. */
static struct answer
turn_away(enum reply reply, const char *why)
{
	session.state = ENDED;
	session.end = why;
	return (say(reply));
}

static void
give_answer(struct answer answer, struct slice command)
{
	enum line_status status = LINE_OK;

	if (reply_number(answer.reply) >= 500)
		status = pay_for_refusal();
	if (status != LINE_OK) {
		end_by_status(status);
		return;
	}
	put_answer(answer, command);
	if (session.refused >= settings.error_limit && session.state != ENDED)
		end_session(TOO_MANY_ERRORS, "too many errors");
}

/* Does LINE, or what is here of it, say that octets follow? */
static bool
announces_chunk(struct slice line)
{
	struct slice verb, argument;

	parse_command(line, &verb, &argument);
	return (skip_prefix(&verb, TEXT("BDAT")));
}

/* How many?  False where that cannot be known for sure. */
static bool
count_chunk(struct slice line)
{
	struct slice verb, argument;

	parse_command(line, &verb, &argument);
	return (verb.length == 4 && line.length + 2 <= COMMAND_LINE_LIMIT &&
	    parse_chunk(argument, &session.chunk_size, &session.last_chunk));
}

/*
 * The octets behind BDAT are read before it is answered, also where it is
 * refused: they must never be taken for commands (RFC 3030 2).  So where
 * they cannot be counted the session is over.
 */
static void
answer_chunk(struct slice line, enum line_status status)
{
	struct answer answer;
	bool refused;

	if (status != LINE_OK || !count_chunk(line)) {
		give_answer(say_with(SYNTAX, "BDAT octets [LAST]"), line);
		if (session.state != ENDED)
			end_session(OUT_OF_STEP, "out of step");
		return;
	}
	answer = step(line);
	refused = reply_number(answer.reply) >= 400;
	if (!receive_octets(&answer, &status)) {
		end_by_status(status);
		return;
	}
	if (refused) {
		give_answer(answer, TEXT("BDAT"));
		return;
	}
	put_answer(answer, TEXT("BDAT"));
	if (session.last_chunk && session.state != ENDED)
		enter_ready();
}

static void
answer_command(struct slice line, enum line_status status)
{
	session.reply_utf8 = false;
	if (status == LINE_FOREIGN)
		give_answer(turn_away(OTHER_PROTOCOL, "other protocol"), line);
	else if (announces_chunk(line))
		answer_chunk(line, status);
	else if (status == LINE_OK)
		give_answer(step(line), line);
	else
		give_answer(say(status == LINE_TOO_LONG ? TOO_LONG :
							  BAD_LINE_END),
		    (struct slice){ "", 0 });
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
	put_answer(answer, TEXT("DATA"));
	if (session.state != ENDED)
		enter_ready();
}

/* Who does not wait for it takes no notice of replies (RFC 5321 4.3.1). */
static void
greet(void)
{
	struct answer answer = say_with(settings.protocol == LMTP ?
		GREETING_LMTP :
		GREETING,
	    settings.hostname);
	struct slice text = { "", 0 };
	char shown[80];

	if (input_is_waiting(&text)) {
		log_line(LOG_NOTICE, "pregreet client=%s text=\"%s\"", client(),
		    printable(shown, sizeof(shown), text.at, text.length));
		if (settings.pregreet)
			answer = turn_away(TALKED_TOO_SOON, "pregreet");
	}
	put_answer(answer, (struct slice){ "", 0 });
}

static void
run_session(void)
{
	enum line_status status;
	struct slice line;

	greet();
	while (session.state != ENDED) {
		if (session.state == RECEIVING) {
			receive_and_answer();
			continue;
		}
		set_wait(settings.command_timeout);
		status = read_line(&line, settings.bare_newline,
		    session.wait_until);
		if (status > LINE_FOREIGN)
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
	long process = (long)getpid();
	struct timeval now;

	gettimeofday(&now, NULL);
	snprintf(session.id, sizeof(session.id), "%llX.%lX",
	    (unsigned long long)now.tv_sec * 1000000 +
		(unsigned long long)now.tv_usec,
	    (unsigned long)process);
	set_log_id(session.id, process);
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
	struct pollfd standard[3] = { { .fd = STDIN_FILENO },
		{ .fd = STDOUT_FILENO }, { .fd = STDERR_FILENO } };

	if (poll(standard, 3, 0) == -1 ||
	    ((standard[0].revents | standard[1].revents) & POLLNVAL) != 0)
		_exit(1);
	if ((standard[2].revents & POLLNVAL) != 0 &&
	    dup2(open("/dev/null", O_WRONLY), STDERR_FILENO) == -1 &&
	    dup2(STDOUT_FILENO, STDERR_FILENO) == -1)
		_exit(1);
}

/* Met where the map is read, so that nothing is held and all is in order. */
static void
end_by_lost_map(int signal_number)
{
	(void)signal_number;
	die("a file was cut short while it was in use; replace it with mv");
}

static void
say_misconfigured(void)
{
	char line[REPLY_LINE_LIMIT];
	const char *name = settings.hostname != NULL ? settings.hostname :
	    "localhost";

	put_output(line, format_reply(line, MISCONFIGURED, false, name, false),
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
	print_layers(STDOUT_FILENO);
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

/*
 * The C library opens the file that TZ names, as root perhaps: let it be a
 * rule, or a name in the system's own database.
 */
static void
set_time_zone(void)
{
	const char *zone = getenv("TZ");

	if (zone != NULL) {
		zone += strspn(zone, ":");
		if (*zone == '/' || *zone == '.' ||
		    memmem(zone, strlen(zone), "..", 2) != NULL)
			unsetenv("TZ");
	}
	unsetenv("TZDIR");
	tzset();
}

/*
 * What the session needs of the file system, before it can reach none.
 * False if what it writes may go to files.
 */
static bool
prepare(void)
{
	bool writes_files = !find_peer() || settings.log == TO_STDERR;

	enter_chroot();
	signal(SIGBUS, end_by_lost_map);
	if (!open_users(settings.passwd))
		log_line(LOG_ERR, "cannot read %s: %s", settings.passwd,
		    strerror(errno));
	if (!open_aliases(settings.aliases))
		log_line(LOG_ERR, "cannot read %s: %s", settings.aliases,
		    strerror(errno));
	if (!open_spool())
		die("cannot share memory: %s", strerror(errno));
	return (writes_files);
}

int
main(int argc, char **argv)
{
	struct arguments arguments = { .file = NULL };
	const char *error;
	int64_t started = now_ms();
	bool writes_files;

	close_inherited();
	check_descriptors();
	set_time_zone();
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
	hold_signals();
	open_log((enum log_target)settings.log);
	make_session_id();
	open_lines(STDIN_FILENO, STDOUT_FILENO);
	before_death = say_misconfigured;
	if (error != NULL)
		die("%s", error);
	writes_files = prepare();
	session.deadline = started + (int64_t)settings.session_timeout * 1000;
	session.state = START;
	set_wait(settings.command_timeout);
	watch_stop(start_deliverer(writes_files));
	run_session();
	log_line(LOG_INFO,
	    "disconnect client=%s reason=\"%s\" messages=%u "
	    "refused=%u duration=%lld.%03lld",
	    client(), session.end, session.messages, session.refused,
	    (long long)((now_ms() - started) / 1000),
	    (long long)((now_ms() - started) % 1000));
	_exit(0);
}

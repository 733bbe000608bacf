/* SPDX-License-Identifier: ISC */
#include "log.h"

#include "date.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOG_WAIT_S	1
#define SYSLOG_SOCKET	"/dev/log"
#define PROGRAM		"in.smtpd"

void (*before_death)(void);

static enum log_target	 log_target = TO_NOWHERE;
static int		 log_socket = -1;
static const char	*log_id = "-";
static long		 log_process;

void
open_log(enum log_target target)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX,
	    .sun_path = SYSLOG_SOCKET };

	log_target = target;
	if (target != TO_SYSLOG)
		return;
	log_socket = socket(AF_UNIX, SOCK_DGRAM, 0);
	if (log_socket != -1 &&
	    connect(log_socket, (struct sockaddr *)&name, sizeof(name)) == 0)
		return;
	if (log_socket != -1)
		close(log_socket);
	log_target = TO_NOWHERE;
}

void
set_log_id(const char *id, long process)
{
	log_id = id;
	log_process = process;
}

/* What syslogd expects before the text (RFC 3164 4.1), in local time. */
static size_t
format_syslog_head(char *line, size_t size, int priority)
{
	char date[DATE_SIZE];

	format_log_date(date, time(NULL));
	return ((size_t)snprintf(line, size, "<%d>%s " PROGRAM "[%ld]: ",
	    LOG_MAIL | priority, date, log_process));
}

/*
 * Is FD ready?  A log that was stuck once is waited for no more until it
 * moves again: a line more or less matters less than the client's time.
 */
static bool
is_log_ready(int fd)
{
	static bool stuck;
	struct pollfd ready = { .fd = fd, .events = POLLOUT };
	struct timespec wait = { .tv_sec = stuck ? 0 : LOG_WAIT_S };

	stuck = ppoll(&ready, 1, &wait, NULL) != 1;
	return (!stuck);
}

static void
send_to_syslog(const char *line, size_t length)
{
	const int how = MSG_DONTWAIT | MSG_NOSIGNAL;

	if (send(log_socket, line, length, how) == -1 && errno == EAGAIN &&
	    is_log_ready(log_socket))
		(void)send(log_socket, line, length, how);
}

static void
send_to_stderr(const char *line, size_t length)
{
	if (is_log_ready(STDERR_FILENO) &&
	    write(STDERR_FILENO, line, length) == -1)
		return;		/* nobody is left to be told */
}

/* The names of users and files may be in UTF-8; a line of the log is not. */
static void
keep_plain(char *text, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++)
		if (text[i] < ' ' || text[i] > '~')
			text[i] = '?';
}

__attribute__((format(printf, 2, 0))) static void
log_list(int priority, const char *format, va_list list)
{
	char line[LOG_LINE_LIMIT + 1];	/* the newline for stderr */
	size_t length, room, before;
	int n;

	if (log_target == TO_NOWHERE)
		return;
	length = log_target == TO_SYSLOG ?
	    format_syslog_head(line, LOG_LINE_LIMIT, priority) :
	    (size_t)snprintf(line, LOG_LINE_LIMIT, "<%d>", priority);
	length += (size_t)snprintf(line + length, LOG_LINE_LIMIT - length,
	    "%.40s: ", log_id);
	before = length;
	room = LOG_LINE_LIMIT - length;
	n = vsnprintf(line + length, room, format, list);
	if (n > 0)
		length += (size_t)n < room ? (size_t)n : room - 1;
	keep_plain(line + before, length - before);
	if (log_target == TO_SYSLOG) {
		send_to_syslog(line, length);
	} else {
		line[length++] = '\n';
		send_to_stderr(line, length);
	}
}

void
log_line(int priority, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	log_list(priority, format, list);
	va_end(list);
}

const char *
printable(char *buffer, size_t size, const char *text, size_t length)
{
	size_t i;

	for (i = 0; i < length && i + 1 < size; i++)
		buffer[i] = text[i] >= ' ' && text[i] <= '~' &&
			text[i] != '"' && text[i] != '\\' ?
		    text[i] :
		    '?';
	buffer[i] = '\0';
	return (buffer);
}

void
die(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	log_list(LOG_ERR, format, list);
	va_end(list);
	if (before_death != NULL)
		before_death();
	_exit(1);
}

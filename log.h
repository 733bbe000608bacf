/* SPDX-License-Identifier: ISC */
/*
 * The log: one line for each decision, to syslog or to descriptor 2, and
 * the way out when nothing can go on.
 *
 * The socket is opened once, before any chroot, and a line is one send that
 * never waits for longer than a second: a stuck logger loses a line
 * rather than a session.  No memory is allocated.  Both processes write
 * through the same socket.
 */
#ifndef LOG_H
#define LOG_H

#include <stddef.h>
#include <syslog.h>		/* the priorities: LOG_INFO ... */

enum log_target { TO_SYSLOG, TO_STDERR, TO_NOWHERE };

/* A log line, its head included, is cut at this many octets (RFC 3164 4.1). */
#define LOG_LINE_LIMIT 1024

/*
 * Open the log.  A syslog that is not there is no failure: lines are lost
 * until the process ends, since mail matters more.
 */
void	open_log(enum log_target target);

/*
 * Begin every later line with "ID: ", a text that must stay, and have it come
 * from PROCESS, whichever of the two writes it.
 */
void	set_log_id(const char *id, long process);

/* Write one line; the text needs no newline. */
void	log_line(int priority, const char *format, ...)
	    __attribute__((format(printf, 2, 3)));

/*
 * Copy at most SIZE - 1 octets of TEXT into BUFFER with everything that is
 * not printable ASCII, and quotes and backslashes, replaced by '?'.
 * Returns BUFFER.
 */
const char *
printable(char *buffer, size_t size, const char *text, size_t length);

/* Called by die() after it logged; the session says 421 there. */
extern void (*before_death)(void);

/* Log the reason, call before_death, and exit with status 1. */
_Noreturn void
die(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif

/* SPDX-License-Identifier: ISC */
/*
 * Lines from the client under a deadline, and replies to it when the
 * session is about to wait (RFC 2920 3.2).  There is one client; its two
 * descriptors and buffers live here, and nobody else touches them.
 *
 * A deadline is absolute, in milliseconds of now_ms() (clock.h), so that
 * octets which drip in cannot extend it.  A write has the same deadline as the read that
 * it precedes.
 */
#ifndef LINE_H
#define LINE_H

#include "parse.h"

/* Octets of input held at once; the longest lookahead in data.c is less. */
#define INPUT_SIZE	(64 * 1024)

/* The longest command line, with the CR LF and what extensions add. */
#define LONGEST_COMMAND	1024

enum line_status {
	LINE_OK,
	LINE_TOO_LONG,		/* answer it once; its rest is eaten */
	LINE_BAD_END,		/* a CR or LF that is not CR LF; likewise */
	LINE_FOREIGN,		/* of another protocol; there is no going on */
	LINE_END,		/* the client is gone */
	LINE_TIMEOUT,
	LINE_STOP		/* asked to (stop.h), or the deliverer is gone */
};

/* Take the client's descriptors. */
void	open_lines(int input, int output);

/* A descriptor that becomes readable when the session has to stop. */
void	watch_stop(int stop);

/*
 * What the client sent before it was asked to; false, and no wait, where
 * that is nothing.  To be asked before the first line is read.
 */
bool	input_is_waiting(struct slice *text);

/*
 * The next command line, without its line end; it lives until the next
 * call.  With BARE_NEWLINE a lone LF ends a line as well.  Of a line that
 * is too long, or ends badly, it is the beginning; LINE_FOREIGN needs no line
 * end to be seen.
 */
enum line_status
read_line(struct slice *line, bool bare_newline, int64_t deadline);

/*
 * The octets that are here, at least one more of them than at the last call
 * unless some were taken since; wait for them if need be.  take_input()
 * takes N of them.
 */
enum line_status read_input(struct slice *input, int64_t deadline);
void	take_input(size_t n);

/* Add to the replies that wait; they go out at the next wait or flush. */
void	put_output(const char *text, size_t length, int64_t deadline);
enum line_status flush_output(int64_t deadline);

/*
 * Send what waits, and end the connection so that the client can read it.
 */
void	close_output(int64_t deadline);

/* Send what waits, and wait, unless the session has to stop. */
enum line_status pause_session(int64_t until);

#endif

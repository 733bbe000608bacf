/* SPDX-License-Identifier: ISC */
#include "line.h"

#include "clock.h"
#include "pages.h"
#include "scan.h"
#include "stop.h"

#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINGER_MS	1000	/* for the client to close after us */
#define TURNS		32	/* from one look for signals to the next */
#define OUTPUT_SIZE	4096	/* at most PIPE_BUF: a ready pipe takes it */

static int		 input_fd, output_fd, stop_fd = -1;
static bool		 output_is_socket = true;
static int64_t		 stop_by = INT64_MAX; /* once it was asked for */

static LARGE char	 input[INPUT_SIZE];
static size_t		 input_start, input_end;
static bool		 eating;	/* the line that is here was refused */
static size_t		 input_seen;	/* what the last read_input() gave */
static LARGE char	 output[OUTPUT_SIZE];
static size_t		 output_length;
static enum line_status output_status; /* how writing failed */

void
open_lines(int in, int out)
{
	input_fd = in;
	output_fd = out;
}

void
watch_stop(int stop)
{
	stop_fd = stop;
}

/* From now on no wait lasts longer than the last reply may take. */
static enum line_status
begin_stop(void)
{
	if (stop_by == INT64_MAX)
		stop_by = now_ms() + LINGER_MS;
	return (LINE_STOP);
}

/* Wait until FD, which may be -1, is ready for EVENTS. */
static enum line_status
wait_for(int fd, short events, int64_t deadline)
{
	struct pollfd ready[2] = { { .fd = fd, .events = events },
		{ .fd = stop_fd, .events = POLLIN } };
	struct timespec timeout;
	int64_t left;

	for (;;) {
		if (take_stop())
			return (begin_stop());
		left = (deadline < stop_by ? deadline : stop_by) - now_ms();
		if (left < 0)
			left = 0;
		timeout.tv_sec = (time_t)(left / 1000);
		timeout.tv_nsec = (long)(left % 1000) * 1000000;
		switch (ppoll(ready, 2, &timeout, &while_waiting)) {
		case -1:
			if (errno != EINTR)
				return (LINE_END);
			break;
		case 0:
			return (LINE_TIMEOUT);
		default:
			if (ready[1].revents == 0)
				return (LINE_OK);
			stop_fd = -1;	/* said once: the 421 goes out yet */
			return (begin_stop());
		}
	}
}

/*
 * Is there a reason to end?  A wait lets signals through where it has to
 * wait indeed, so a client that never pauses would keep them out: now and
 * then only they are waited for, and for no time.
 */
static enum line_status
look_around(void)
{
	static unsigned int turns;

	if (output_status != LINE_OK)
		return (output_status);
	if (++turns % TURNS == 0)
		(void)wait_for(-1, 0, 0);
	return (stop_by < INT64_MAX ? LINE_STOP : LINE_OK);
}

/* One write that does not block; -1 with EAGAIN if it would. */
static ssize_t
try_write(const char *text, size_t length)
{
	ssize_t n;

	if (output_is_socket) {
		n = send(output_fd, text, length, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n != -1 || errno != ENOTSOCK)
			return (n);
		output_is_socket = false;
	}
	if (wait_for(output_fd, POLLOUT, 0) != LINE_OK) {
		errno = EAGAIN;
		return (-1);
	}
	return (write(output_fd, text, length));
}

enum line_status
flush_output(int64_t deadline)
{
	enum line_status status;
	size_t done = 0;
	ssize_t n;

	while (done < output_length && output_status == LINE_OK) {
		n = try_write(output + done, output_length - done);
		if (n >= 0) {
			done += (size_t)n;
		} else if (errno == EAGAIN) {
			status = wait_for(output_fd, POLLOUT, deadline);
			if (status != LINE_STOP) /* no reply is cut short */
				output_status = status;
		} else if (errno != EINTR) {
			output_status = LINE_END;
		}
	}
	output_length = 0;
	return (output_status);
}

/*
 * A close with input unread would be a reset, which can take the last reply
 * away from the client before it reads it.
 */
void
close_output(int64_t deadline)
{
	int64_t end = now_ms() + LINGER_MS;

	if (flush_output(deadline) != LINE_OK ||
	    shutdown(output_fd, SHUT_WR) == -1)
		return;
	stop_fd = -1;		/* it stops as it is */
	(void)take_stop();
	while (now_ms() < end && wait_for(input_fd, POLLIN, end) == LINE_OK &&
	    read(input_fd, input, INPUT_SIZE) > 0)
		;
}

void
put_output(const char *text, size_t length, int64_t deadline)
{
	if (output_length + length > OUTPUT_SIZE)
		flush_output(deadline);
	if (output_status != LINE_OK)
		return;		/* the next read says so */
	memcpy(output + output_length, text, length);
	output_length += length;
}

/* Read more behind what is here; what was taken makes room first. */
static enum line_status
fill_input(int64_t deadline)
{
	enum line_status status;
	ssize_t n;

	(void)flush_output(deadline);
	status = look_around();
	if (status != LINE_OK)
		return (status);
	if (input_start > 0) {
		memmove(input, input + input_start, input_end - input_start);
		input_end -= input_start;
		input_start = 0;
	}
	for (;;) {
		status = wait_for(input_fd, POLLIN, deadline);
		if (status == LINE_OK && now_ms() >= deadline)
			status = LINE_TIMEOUT;	/* however much is there */
		if (status != LINE_OK)
			return (status);
		n = read(input_fd, input + input_end, INPUT_SIZE - input_end);
		if (n > 0) {
			input_end += (size_t)n;
			return (LINE_OK);
		}
		if (n == 0 || (errno != EINTR && errno != EAGAIN))
			return (LINE_END);
	}
}

bool
input_is_waiting(struct slice *text)
{
	struct pollfd ready = { .fd = input_fd, .events = POLLIN };
	const struct timespec at_once = { 0 };
	ssize_t n = 0;

	if (ppoll(&ready, 1, &at_once, NULL) == 1 &&
	    (ready.revents & POLLIN) != 0)
		n = read(input_fd, input, INPUT_SIZE);
	if (n <= 0)		/* silent or gone: the next read tells */
		return (false);
	input_end = (size_t)n;
	*text = (struct slice){ input, input_end };
	return (true);
}

/* The end of the line that starts here: its LF, or NULL. */
static const char *
find_line_end(bool bare_newline)
{
	const char *from = input + input_start, *end = input + input_end, *lf;

	while ((lf = find_octet(from, '\n', (size_t)(end - from))) != NULL) {
		if (bare_newline || (lf > from && lf[-1] == '\r'))
			break;
		from = lf + 1;
	}
	return (lf);
}

/* Drop the rest of a line that was refused before its end was here. */
static enum line_status
eat_line(bool bare_newline, int64_t deadline)
{
	enum line_status status;
	const char *end;

	while ((end = find_line_end(bare_newline)) == NULL) {
		/* A CR may be the first half of the end. */
		input_start = input_end > input_start &&
			input[input_end - 1] == '\r' ?
		    input_end - 1 :
		    input_end;
		status = fill_input(deadline);
		if (status != LINE_OK)
			return (status);
	}
	input_start = (size_t)(end - input) + 1;
	eating = false;
	return (LINE_OK);
}

/*
 * A line that is no good is refused at once and eaten before the next one,
 * up to its CR LF: whatever stands in it is never a command.
 */
static enum line_status
refuse_line(enum line_status status)
{
	eating = true;
	return (status);
}

enum line_status
read_line(struct slice *line, bool bare_newline, int64_t deadline)
{
	enum line_status status = look_around();
	const char *lf = NULL;

	input_seen = 0;
	if (status == LINE_OK && eating)
		status = eat_line(bare_newline, deadline);
	while (status == LINE_OK) {
		line->at = input + input_start;
		line->length = input_end - input_start;
		lf = find_octet(line->at, '\n', line->length);
		if (lf != NULL)
			line->length = (size_t)(lf - line->at);
		if (is_foreign(*line))
			return (LINE_FOREIGN);
		if (line->length >= LONGEST_COMMAND) {
			line->length = LONGEST_COMMAND;
			return (refuse_line(LINE_TOO_LONG));
		}
		if (lf != NULL)
			break;
		status = fill_input(deadline);
	}
	if (status != LINE_OK)
		return (status);
	if (line->length > 0 && lf[-1] == '\r')
		line->length--;
	else if (!bare_newline)
		return (refuse_line(LINE_BAD_END));
	input_start = (size_t)(lf - input) + 1;
	return (find_octet(line->at, '\r', line->length) == NULL ?
		LINE_OK :
	    LINE_BAD_END);
}

enum line_status
read_input(struct slice *text, int64_t deadline)
{
	enum line_status status = look_around();

	if (status == LINE_OK && input_end - input_start <= input_seen)
		status = fill_input(deadline);
	if (status != LINE_OK)
		return (status);
	text->at = input + input_start;
	text->length = input_seen = input_end - input_start;
	return (LINE_OK);
}

void
take_input(size_t n)
{
	input_start += n;
	input_seen -= n;
}

enum line_status
pause_session(int64_t until)
{
	enum line_status status = flush_output(until);

	if (status == LINE_OK)
		status = wait_for(-1, 0, until);
	return (status == LINE_TIMEOUT ? LINE_OK : status);
}

/* SPDX-License-Identifier: ISC */
#include "terminals.h"

#include "clock.h"
#include "date.h"
#include "pages.h"
#include "settings.h"
#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* For all terminals of a message, and between two tries to write. */
#define WRITE_TIMEOUT_MS	3000
#define WRITE_PAUSE_MS		20

/* More of the file is not looked at, and more records of a user neither. */
#define UTMP_LIMIT		((off_t)1024 * 1024)
#define USER_RECORDS_LIMIT	8

/* What is shown of a message, at most. */
#define SHOWN_OCTETS		8192
#define SHOWN_LINES		100

/*
 * A record of utmp(5), as glibc has it on disk: not through libc, since
 * musl's functions do nothing and its record is another.  The end of it, of
 * which nothing is used, is longer where time never had 32 bits.
 */
#if defined(__aarch64__) || defined(__loongarch64)
#define RECORD_SIZE		400
#else
#define RECORD_SIZE		384
#endif
#define LINE_SIZE		32
#define LOGGED_IN		7	/* USER_PROCESS */

struct record {
	int16_t	type;
	int32_t	pid;
	char	line[LINE_SIZE];
	char	id[4];
	char	user[32];
	char	rest[RECORD_SIZE - 76];
};

#ifdef __GLIBC__
#include <utmp.h>
#define SAME_PLACE(ours, theirs) \
	(offsetof(struct record, ours) == offsetof(struct utmp, theirs))
_Static_assert(sizeof(struct record) == sizeof(struct utmp) &&
	SAME_PLACE(type, ut_type) && SAME_PLACE(line, ut_line) &&
	SAME_PLACE(user, ut_user) && SAME_PLACE(rest, ut_host) &&
	LOGGED_IN == USER_PROCESS,
    "a record is not what utmp.h says");
#endif

static LARGE struct terminal {
	int	 fd;
	size_t	 recipient;
	const struct user *user;
	dev_t	 device;
	char	 line[LINE_SIZE];
} terminals[MOST_RECIPIENTS];

static int	utmp = -1;
static size_t	terminal_count;
static LARGE size_t records_of[MOST_RECIPIENTS];	/* seen, of each recipient */
static int64_t	deadline;

/* ------------------------------------------------------ finding them */

/* Log why a terminal of the user's does not get it. */
static void
pass_over(const struct user *user, const char *line, const char *reason)
{
	char shown[LINE_SIZE + 1];

	log_line(LOG_INFO, "skipped to=<%.*s> terminal=%s reason=\"%s\"",
	    (int)user->name.length, user->name.at,
	    printable(shown, sizeof(shown), line, strnlen(line, LINE_SIZE)),
	    reason);
}

/* A name longer than the field is cut there by login(1). */
static bool
is_of(const struct record *record, const struct user *user)
{
	size_t size = sizeof(record->user), n = user->name.length;

	if (n >= size)
		return (memcmp(record->user, user->name.at, size) == 0);
	return (memcmp(record->user, user->name.at, n) == 0 &&
	    record->user[n] == '\0');
}

static bool
is_one_of(char c, char first, char last)
{
	return (c >= first && c <= last);
}

/*
 * pts/N, ttyX or hvcX: nothing else below /dev is a terminal that one logs
 * in on, and to open some of what is there already does something.
 */
static bool
is_terminal_name(const char line[LINE_SIZE])
{
	struct slice text = { line, strnlen(line, LINE_SIZE) };
	bool numbered = false;
	size_t i;

	if (text.length == LINE_SIZE)
		return (false);
	if (skip_prefix(&text, TEXT("pts/")))
		numbered = true;
	else if (!skip_prefix(&text, TEXT("tty")) &&
	    !skip_prefix(&text, TEXT("hvc")))
		return (false);
	for (i = 0; i < text.length; i++)
		if (!is_one_of(text.at[i], '0', '9') &&
		    (numbered || !is_one_of(lower(text.at[i]), 'a', 'z')))
			return (false);
	return (text.length > 0);
}

/* What is wrong with an open terminal of this user's, or NULL. */
static const char *
fault_of(int fd, const struct user *user, const struct stat *st)
{
	struct termios modes;

	if (st->st_uid != user->uid)
		return ("it belongs to somebody else");
	if (st->st_nlink != 1)
		return ("it has more than one link");
	if ((st->st_mode & S_IWGRP) == 0)
		return ("it takes no messages");
	if (!S_ISCHR(st->st_mode) || tcgetattr(fd, &modes) == -1)
		return ("it is no terminal");
	return (NULL);
}

static bool
is_open(dev_t device, size_t recipient)
{
	size_t i;

	for (i = 0; i < terminal_count; i++)
		if (terminals[i].device == device &&
		    terminals[i].recipient == recipient)
			return (true);
	return (false);
}

static void
open_terminal(size_t recipient, const struct user *user, const char *line)
{
	struct terminal *terminal = &terminals[terminal_count];
	char path[sizeof("/dev/") + LINE_SIZE];
	const char *fault;
	struct stat st;

	if (!is_terminal_name(line)) {
		pass_over(user, line, "its name is none of a terminal");
		return;
	}
	snprintf(path, sizeof(path), "/dev/%s", line);
	terminal->fd = -1;
	if (become_user(user))
		terminal->fd = open(path,
		    O_WRONLY | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK);
	if (terminal->fd == -1 || fstat(terminal->fd, &st) == -1)
		fault = strerror(errno);
	else
		fault = fault_of(terminal->fd, user, &st);
	if (fault != NULL)
		pass_over(user, line, fault);
	if (fault != NULL || is_open(st.st_rdev, recipient)) {
		if (terminal->fd != -1)
			close(terminal->fd);
		return;
	}
	terminal->recipient = recipient;
	terminal->user = user;
	terminal->device = st.st_rdev;
	memcpy(terminal->line, line, LINE_SIZE);
	terminal_count++;
}

static void
look_at(const struct record *record, const struct recipient *recipients,
    size_t count)
{
	size_t i;

	for (i = 0; i < count && record->type == LOGGED_IN; i++)
		if (is_of(record, &recipients[i].user) &&
		    terminal_count < MOST_RECIPIENTS &&
		    records_of[i]++ < USER_RECORDS_LIMIT)
			open_terminal(i, &recipients[i].user, record->line);
}

void
prepare_terminals(void)
{
	if (!settings.terminals)
		return;
	utmp = open(settings.utmp, O_RDONLY | O_NOCTTY | O_NONBLOCK);
	if (utmp == -1)
		log_line(LOG_WARNING, "cannot read %s: %s", settings.utmp,
		    strerror(errno));
}

void
open_terminals(const struct recipient *recipients, size_t count)
{
	struct record records[16];
	off_t at = 0;
	ssize_t n, i;

	terminal_count = 0;
	memset(records_of, 0, count * sizeof(records_of[0]));
	deadline = now_ms() + WRITE_TIMEOUT_MS;
	/* What is no whole record is none. */
	while (at < UTMP_LIMIT &&
	    (n = pread(utmp, records, sizeof(records), at)) >=
	    (ssize_t)sizeof(records[0])) {
		n /= (ssize_t)sizeof(records[0]);
		for (i = 0; i < n; i++)
			look_at(&records[i], recipients, count);
		at += n * (ssize_t)sizeof(records[0]);
	}
	become_root_again();
}

bool
has_terminal(size_t recipient)
{
	size_t i;

	for (i = 0; i < terminal_count; i++)
		if (terminals[i].recipient == recipient)
			return (true);
	return (false);
}

void
close_terminals(void)
{
	while (terminal_count > 0)
		close(terminals[--terminal_count].fd);
}

bool
is_at_terminal(const struct user *user)
{
	struct recipient recipient = { .user = *user };
	bool found;

	open_terminals(&recipient, 1);
	found = has_terminal(0);
	close_terminals();
	return (found);
}

/* ------------------------------------------------- writing to them */

/* The head, and four octets for each of the text, as M-^X. */
static LARGE char screen[2048 + 4 * SHOWN_OCTETS];
static size_t	screen_length;

static void
put_text(struct slice text)
{
	if (text.length > sizeof(screen) - screen_length)
		text.length = sizeof(screen) - screen_length;
	memcpy(screen + screen_length, text.at, text.length);
	screen_length += text.length;
}

/*
 * Nothing but printable ASCII and the tab comes through: ^X for a control
 * character, M-X for what has the eighth bit, of which some is one as well.
 */
static void
put_visible(struct slice text)
{
	char form[4];
	size_t i, n;
	unsigned char c;

	for (i = 0; i < text.length; i++) {
		n = 0;
		c = (unsigned char)text.at[i];
		if (c >= 0x80) {
			form[n++] = 'M';
			form[n++] = '-';
			c &= 0x7f;
		}
		if (c < ' ' && (n > 0 || c != '\t')) {
			form[n++] = '^';
			c |= '@';
		} else if (c == 0x7f) {
			form[n++] = '^';
			c = '?';
		}
		form[n++] = (char)c;
		put_text((struct slice){ form, n });
	}
}

static void
put_head(const struct user *user, const char *sender)
{
	char clock[DATE_SIZE];

	format_clock(clock, time(NULL));
	put_text(TEXT("\r\nMessage from <"));
	put_visible(slice_of(sender));
	put_text(TEXT("> for "));
	put_visible(user->name);
	put_text(TEXT(" at "));
	put_text(slice_of(clock));
	put_text(TEXT(" ...\r\n"));
}

/* The next line of TEXT, without its LF. */
static struct slice
take_line(struct slice *text)
{
	const char *lf = memchr(text->at, '\n', text->length);
	struct slice line = { text->at,
	    lf != NULL ? (size_t)(lf - text->at) : text->length };
	size_t taken = line.length + (lf != NULL);

	text->at += taken;
	text->length -= taken;
	return (line);
}

/* Our own Received line, which is the first, tells nobody anything. */
static void
drop_received(struct slice *text)
{
	struct slice rest = *text;

	if (!skip_prefix(&rest, TEXT("Received:")))
		return;
	do
		(void)take_line(text);
	while (text->length > 0 && (text->at[0] == ' ' || text->at[0] == '\t'));
}

/* Undo what the text got for the mailbox (mboxrd). */
static void
unquote_from(struct slice *line)
{
	struct slice rest = *line;

	while (rest.length > 0 && rest.at[0] == '>') {
		rest.at++;
		rest.length--;
	}
	if (rest.at != line->at && rest.length >= 5 &&
	    memcmp(rest.at, "From ", 5) == 0) {
		line->at++;
		line->length--;
	}
}

/* The octets of the spool that are shown, at most SHOWN_OCTETS; -1: errno. */
static int64_t
copy_spool(char *copy, const struct message *message)
{
	uint64_t length = message->length;
	uint64_t wanted = length < SHOWN_OCTETS ? length : SHOWN_OCTETS;
	uint64_t done = 0;
	const char *at;
	int64_t n;

	for (; done < wanted; done += (uint64_t)n) {
		n = read_spool(message->kept, done, wanted - done, &at);
		if (n == -1)
			return (-1);
		memcpy(copy + done, at, (size_t)n);
	}
	return ((int64_t)done);
}

/* What is written for this user; false with errno. */
static bool
compose(const struct user *user, const struct message *message)
{
	/* The session could change what it shares while we look at it. */
	static LARGE char copy[SHOWN_OCTETS];
	int64_t n = copy_spool(copy, message);
	struct slice text = { copy, (size_t)n }, line;
	unsigned int lines;

	if (n == -1)
		return (false);
	screen_length = 0;
	put_head(user, message->reverse_path);
	drop_received(&text);
	for (lines = 0; text.length > 0 && lines < SHOWN_LINES; lines++) {
		line = take_line(&text);
		unquote_from(&line);
		put_visible(line);
		put_text(TEXT("\r\n"));
	}
	put_text(slice_of(text.length > 0 || (uint64_t)n < message->length ?
		    "End of what is shown; there is more\r\n" :
		    "End of message\r\n"));
	return (true);
}

/*
 * All of the screen, or false with errno.  A terminal that somebody stopped
 * takes nothing, and poll(2) may say that it would; so it is tried anew.
 */
static bool
write_screen(int fd)
{
	size_t done = 0;
	ssize_t n;

	while (done < screen_length) {
		n = write(fd, screen + done, screen_length - done);
		if (n > 0) {
			done += (size_t)n;
			continue;
		}
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno != EAGAIN)
			return (false);
		if (now_ms() + WRITE_PAUSE_MS > deadline) {
			errno = ETIMEDOUT;
			return (false);
		}
		(void)poll(NULL, 0, WRITE_PAUSE_MS);
	}
	return (true);
}

bool
write_to_terminals(size_t recipient, const struct message *message)
{
	const struct terminal *terminal;
	bool taken = false;
	size_t i;

	for (i = 0; i < terminal_count; i++) {
		terminal = &terminals[i];
		if (terminal->recipient != recipient)
			continue;
		if (!compose(terminal->user, message) ||
		    !write_screen(terminal->fd)) {
			pass_over(terminal->user, terminal->line,
			    strerror(errno));
			continue;
		}
		taken = true;
		log_line(LOG_INFO, "delivered message=%s to=<%.*s> terminal=%s",
		    message->id, (int)terminal->user->name.length,
		    terminal->user->name.at, terminal->line);
	}
	return (taken);
}

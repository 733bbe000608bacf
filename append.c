/* SPDX-License-Identifier: ISC */
#include "append.h"

#include "date.h"
#include "settings.h"
#include "spool.h"

#include <sys/uio.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* From_, Return-Path, Delivered-To, with an end kept for what is ours. */
#define HEAD_SIZE	1280
#define HEAD_RESERVE	128

enum octets { ASCII, UTF8 };

/*
 * What of a client's text may stand in the lines that we write: no control
 * character, nothing of 8 bits but well-formed UTF-8 where that may be, and
 * a blank only as BLANK.  That the session has looked at it is not relied on.
 */
static size_t
append_plain(char *head, size_t length, struct slice text, char blank,
    enum octets octets)
{
	size_t n;
	char c;

	for (; text.length > 0; text.at += n, text.length -= n) {
		if (length >= HEAD_SIZE - HEAD_RESERVE)
			break;
		c = text.at[0];
		n = octets == UTF8 ? utf8_length(text) : 0;
		if (n > 0) {
			memcpy(head + length, text.at, n);
			length += n;
			continue;
		}
		n = 1;
		head[length++] = c == ' ' ? blank :
		    c > ' ' && c <= '~'	  ? c :
		    '?';
	}
	return (length);
}

static size_t
append_text(char *head, size_t length, const char *text)
{
	return (length +
	    (size_t)snprintf(head + length, HEAD_SIZE - length, "%s", text));
}

/* Whatever the mailbox ends in, a blank line stands before a From_ line. */
static const char *
missing_newlines(const struct mailbox *mailbox)
{
	char tail[2] = { '\n', '\n' };
	off_t size = mailbox->before.st_size;
	ssize_t n = size < 2 ? (ssize_t)size : 2;

	if (n > 0 && pread(mailbox->fd, tail + 2 - n, (size_t)n, size - n) != n)
		return (NULL);
	return (tail[1] != '\n' ? "\n\n" : tail[0] != '\n' ? "\n" : "");
}

/* From_ line, Return-Path, Delivered-To: what stands before the spool. */
static size_t
format_head(char head[HEAD_SIZE], const char *newlines,
    const struct message *message, const struct recipient *recipient)
{
	const char *path = message->reverse_path;
	const char *sender = path[0] != '\0' ? path : "MAILER-DAEMON";
	char date[DATE_SIZE];
	size_t n;

	format_from_date(date, time(NULL));
	n = append_text(head, 0, newlines);
	n = append_text(head, n, "From ");
	/* RFC 4155 A; there are readers that stop at anything else. */
	n = append_plain(head, n, slice_of(sender), '-', ASCII);
	n = append_text(head, n, " ");
	n = append_text(head, n, date);
	n = append_text(head, n, "\nReturn-Path: <");
	n = append_plain(head, n, slice_of(path), ' ', UTF8);
	n = append_text(head, n, ">\nDelivered-To: ");
	n = append_plain(head, n, recipient->user.name, '-', UTF8);
	if (recipient->detail[0] != '\0') {
		n = append_text(head, n, settings.recipient_delimiter);
		n = append_plain(head, n, slice_of(recipient->detail), '-',
		    UTF8);
	}
	n = append_text(head, n, "@");
	n = append_plain(head, n, slice_of(settings.hostname), '-', ASCII);
	return (append_text(head, n, "\n"));
}

/* Write all of the parts; false with errno. */
static bool
write_parts(struct mailbox *mailbox, struct iovec *parts, int count)
{
	ssize_t n;

	while (count > 0) {
		n = writev(mailbox->fd, parts, count);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return (false);
		mailbox->written += (uint64_t)n;
		while (count > 0 && (size_t)n >= parts->iov_len) {
			n -= (ssize_t)parts->iov_len;
			parts++;
			count--;
		}
		if (count > 0) {
			parts->iov_base = (char *)parts->iov_base + n;
			parts->iov_len -= (size_t)n;
		}
	}
	return (true);
}

static struct iovec
part_of(const char *text, size_t length)
{
	union {
		const char *in;
		void *out;
	} cast = { .in = text };

	return ((struct iovec){ .iov_base = cast.out, .iov_len = length });
}

/* The head, the spool and the blank line; one write for a small message. */
static bool
write_message(struct mailbox *mailbox, const struct message *message,
    const char *head, size_t head_length)
{
	struct iovec parts[3];
	uint64_t done = 0, length = message->length;
	const char *at;
	int64_t n;
	int count;

	do {
		count = 0;
		if (done == 0)
			parts[count++] = part_of(head, head_length);
		n = length > done ?
		    read_spool(message->kept, done, length - done, &at) :
		    0;
		if (n == -1)
			return (false);
		parts[count++] = part_of(at, (size_t)n);
		done += (uint64_t)n;
		if (done == length)
			parts[count++] = part_of("\n", 1);
		if (!write_parts(mailbox, parts, count))
			return (false);
		message->progress();
	} while (done < length);
	return (true);
}

/*
 * Mail readers, to the second, take a mailbox for one with new mail when it
 * was written after it was read.
 */
static bool
mark_as_new(const struct mailbox *mailbox)
{
	struct timespec times[2];
	struct stat st;

	if (fstat(mailbox->fd, &st) == -1)
		return (false);
	if (st.st_atim.tv_sec < st.st_mtim.tv_sec)
		return (true);
	times[0] = (struct timespec){ .tv_sec = st.st_mtim.tv_sec - 1 };
	times[1] = (struct timespec){ .tv_nsec = UTIME_OMIT };
	return (futimens(mailbox->fd, times) == 0);
}

enum outcome
append_message(struct mailbox *mailbox, const struct message *message)
{
	uint64_t limit = settings.mailbox_size_limit;
	char head[HEAD_SIZE];
	const char *newlines = missing_newlines(mailbox);
	size_t length;

	if (newlines == NULL || !become_recipient(mailbox))
		return (refuse_errno(mailbox, "read"));
	length = format_head(head, newlines, message, mailbox->recipient);
	if (limit != 0 &&
	    (uint64_t)mailbox->before.st_size + length + message->length + 1 >
		limit)
		return (refuse(mailbox, MAILBOX_TOO_FULL,
		    "mailbox-size-limit is reached"));
	mailbox->appended = true;
	if (!write_message(mailbox, message, head, length))
		return (refuse_errno(mailbox, "write"));
	if (!mark_as_new(mailbox))
		return (refuse_errno(mailbox, "futimens"));
	return (DELIVERED);
}

/* A new name is on disk once its directory is. */
static bool
sync_directory(const struct mailbox *mailbox)
{
	int fd = become_recipient(mailbox) ? open_directory(mailbox) : -1;
	bool done = fd != -1 && fsync(fd) == 0;

	if (fd != -1)
		close(fd);
	return (done);
}

enum outcome
sync_mailbox(const struct mailbox *mailbox)
{
	if (fsync(mailbox->fd) == -1)
		return (refuse_errno(mailbox, "fsync"));
	/* An empty one may be new, if not by this try. */
	if (mailbox->before.st_size == 0 && !sync_directory(mailbox))
		return (refuse_errno(mailbox, "fsync of the directory"));
	return (DELIVERED);
}

void
cut_back(struct mailbox *mailbox)
{
	struct timespec times[2] = { mailbox->before.st_atim,
	    mailbox->before.st_mtim };
	struct stat st;

	if (!mailbox->appended)
		return;
	if (fstat(mailbox->fd, &st) == -1 ||
	    (uint64_t)st.st_size !=
		(uint64_t)mailbox->before.st_size + mailbox->written ||
	    ftruncate(mailbox->fd, mailbox->before.st_size) == -1) {
		log_line(LOG_CRIT,
		    "mailbox=%s cannot be cut back to %lld octets: part of a "
		    "message stands behind them",
		    mailbox->path, (long long)mailbox->before.st_size);
		return;
	}
	/* As far as it goes; there is nothing to fall back on. */
	(void)become_recipient(mailbox);
	(void)!futimens(mailbox->fd, times);
	(void)!fsync(mailbox->fd);
}

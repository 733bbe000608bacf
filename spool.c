/* SPDX-License-Identifier: ISC */
#include "spool.h"

#include "pages.h"

#include <sys/mman.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COPY_SIZE	((size_t)128 * 1024)

bool (*keep_window)(uint64_t kept);

static char	*window;		/* shared with the other process */

bool
open_spool(void)
{
	window = mmap(NULL, SPOOL_WINDOW, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return (window != MAP_FAILED);
}

/* ------------------------------------------------- the session's side */

static uint64_t	 sent;		/* octets of the message in the file */
static size_t	 filled;	/* octets of it in the window */

void
empty_spool(void)
{
	sent = 0;
	filled = 0;
}

uint64_t
spool_length(void)
{
	return (sent + filled);
}

uint64_t
spool_kept(void)
{
	return (sent);
}

char *
spool_space(size_t n)
{
	return (n <= SPOOL_WINDOW - filled ? window + filled : NULL);
}

bool
write_spool(const char *octets, size_t n)
{
	size_t room;

	while (n > SPOOL_WINDOW - filled) {
		room = SPOOL_WINDOW - filled;
		memcpy(window + filled, octets, room);
		octets += room;
		n -= room;
		if (!keep_window(sent))
			return (false);
		sent += SPOOL_WINDOW;
		filled = 0;
	}
	if (octets != window + filled)
		memcpy(window + filled, octets, n);
	filled += n;
	return (true);
}

/* ----------------------------------------------- the deliverer's side */

static int	 file = -1;
static uint64_t	 file_length;

/* A file without a name, also where O_TMPFILE is not known. */
static int
open_nameless(const char *directory)
{
	char name[1024];
	int fd = -1;

#ifdef O_TMPFILE
	fd = open(directory, O_TMPFILE | O_RDWR, 0600);
	if (fd != -1 || (errno != EOPNOTSUPP && errno != EISDIR))
		return (fd);
#endif
	if ((size_t)snprintf(name, sizeof(name), "%s/in.smtpd.XXXXXX",
	    directory) >= sizeof(name)) {
		errno = ENAMETOOLONG;
		return (-1);
	}
	fd = mkstemp(name);
	if (fd != -1)
		unlink(name);
	return (fd);
}

bool
is_in_spool(uint64_t kept, uint64_t length)
{
	return (kept <= file_length && length >= kept &&
	    length - kept <= SPOOL_WINDOW);
}

bool
keep_spool(const char *directory, uint64_t kept)
{
	size_t done = 0;
	ssize_t n;

	if (file == -1)
		file = open_nameless(directory);
	if (file == -1)
		return (false);
	while (done < SPOOL_WINDOW) {
		n = pwrite(file, window + done, SPOOL_WINDOW - done,
		    (off_t)(kept + done));
		if (n == -1 && errno != EINTR)
			return (false);
		if (n > 0)
			done += (size_t)n;
	}
	file_length = kept + SPOOL_WINDOW;
	return (true);
}

int64_t
read_spool(uint64_t kept, uint64_t offset, uint64_t left, const char **at)
{
	static LARGE char copy[COPY_SIZE];
	ssize_t n;

	if (offset >= kept) {
		*at = window + (offset - kept);
		return ((int64_t)left);
	}
	if (left > kept - offset)
		left = kept - offset;
	if (left > COPY_SIZE)
		left = COPY_SIZE;
	do
		n = pread(file, copy, (size_t)left, (off_t)offset);
	while (n == -1 && errno == EINTR);
	if (n == 0) {		/* somebody has cut it */
		errno = EIO;
		return (-1);
	}
	*at = copy;
	return (n);
}

void
forget_spool(void)
{
	/* Where that fails it is written over. */
	if (file_length > 0 && ftruncate(file, 0) == 0)
		file_length = 0;
}

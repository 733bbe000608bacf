/* SPDX-License-Identifier: ISC */
#include "spool.h"

#include <sys/mman.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COPY_SIZE	((size_t)128 * 1024)

static char	*memory;		/* shared with the other process */
static int	 file = -1;
static uint64_t	 length;

/* A file without a name, also where O_TMPFILE is not known. */
static int
open_nameless(const char *directory)
{
	char name[1024];
	int fd = -1;

#ifdef O_TMPFILE
	fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd != -1 || (errno != EOPNOTSUPP && errno != EISDIR))
		return (fd);
#endif
	if ((size_t)snprintf(name, sizeof(name), "%s/in.smtpd.XXXXXX",
	    directory) >= sizeof(name)) {
		errno = ENAMETOOLONG;
		return (-1);
	}
	fd = mkostemp(name, O_CLOEXEC);
	if (fd != -1)
		unlink(name);
	return (fd);
}

bool
open_spool(const char *directory)
{
	memory = mmap(NULL, SPOOL_MEMORY, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return (false);
	file = open_nameless(directory);
	return (file != -1);
}

void
empty_spool(void)
{
	/* Give the space back; where that fails it is written over. */
	if (length > SPOOL_MEMORY && ftruncate(file, 0) == -1)
		errno = 0;
	length = 0;
}

uint64_t
spool_length(void)
{
	return (length);
}

static bool
write_file(const char *octets, size_t n)
{
	ssize_t done;

	while (n > 0) {
		done = pwrite(file, octets, n, (off_t)(length - SPOOL_MEMORY));
		if (done == -1 && errno == EINTR)
			continue;
		if (done == -1)
			return (false);
		octets += done;
		n -= (size_t)done;
		length += (uint64_t)done;
	}
	return (true);
}

bool
write_spool(const char *octets, size_t n)
{
	size_t room;

	if (length < SPOOL_MEMORY) {
		room = SPOOL_MEMORY - (size_t)length;
		if (room > n)
			room = n;
		memcpy(memory + length, octets, room);
		length += room;
		octets += room;
		n -= room;
	}
	return (n == 0 || write_file(octets, n));
}

int64_t
read_spool(uint64_t offset, uint64_t left, const char **at)
{
	static char copy[COPY_SIZE];
	ssize_t n;

	*at = memory + offset;
	if (offset < SPOOL_MEMORY)
		return ((int64_t)(left < SPOOL_MEMORY - offset ?
			left :
		    SPOOL_MEMORY - offset));
	do
		n = pread(file, copy,
		    left < COPY_SIZE ? (size_t)left : COPY_SIZE,
		    (off_t)(offset - SPOOL_MEMORY));
	while (n == -1 && errno == EINTR);
	if (n == 0) {		/* shorter than the session said */
		errno = EIO;
		return (-1);
	}
	*at = copy;
	return (n);
}

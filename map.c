/* SPDX-License-Identifier: ISC */
#include "map.h"

#include <sys/mman.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

bool
map_file(const char *path, int flags, struct stat *st, struct slice *text)
{
	void *map = NULL;
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | flags);

	if (fd == -1)
		return (false);
	if (fstat(fd, st) == -1 || !S_ISREG(st->st_mode)) {
		errno = EINVAL;
		close(fd);
		return (false);
	}
	if (st->st_size > 0)
		map = mmap(NULL, (size_t)st->st_size, PROT_READ, MAP_PRIVATE,
		    fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		return (false);
	*text = (struct slice){ map != NULL ? map : "", (size_t)st->st_size };
	return (true);
}

void
unmap_file(struct slice *text)
{
	union {
		const char *in;
		void *out;
	} cast = { text->at };

	if (text->length > 0)
		munmap(cast.out, text->length);
	*text = (struct slice){ "", 0 };
}

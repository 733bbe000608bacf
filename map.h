/* SPDX-License-Identifier: ISC */
/*
 * What stands in a file that the session could not open: it is mapped
 * before the fork, and read from the map.  A map costs no memory of its own
 * however large the file is, and holds what the file held when it is put in
 * place by rename(2).
 */
#ifndef MAP_H
#define MAP_H

#include "parse.h"

#include <sys/stat.h>

/*
 * Map the regular file at PATH, opened with FLAGS besides O_RDONLY, for as
 * long as the process lives; *ST says what it is, *TEXT what is in it.
 * False with errno, EINVAL if it is no regular file.  Nothing is waited for.
 */
bool map_file(const char *path, int flags, struct stat *st, struct slice *text);

/* Let go of it. */
void	unmap_file(struct slice *text);

#endif

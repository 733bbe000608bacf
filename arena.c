/* SPDX-License-Identifier: ISC */
/*
 * What does a library get that asks for memory?  liblockfile wants some for
 * the names of its files, and gives it back at once; musl wants some for the
 * time zone, at the start.  It comes from here instead of a heap, so that
 * nothing is allocated after the start by anybody.
 *
 * This takes the place of malloc(3) where the program is made with musl, and
 * nowhere else: other libraries expect more of it.
 */
#include "pages.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#ifndef __GLIBC__

#define ARENA_SIZE	8192	/* liblockfile needs less than 2048 */
#define UNIT		_Alignof(max_align_t)

/* What stands before each piece. */
struct head {
	_Alignas(max_align_t) size_t size;
};

static LARGE char	arena[ARENA_SIZE];
static size_t	used, pieces;

/* Pieces are of whole units; when all were given back it starts anew. */
void *
malloc(size_t size)
{
	struct head *head = (struct head *)(void *)(arena + used);

	if (size > ARENA_SIZE - UNIT - sizeof(*head) ||
	    (size + UNIT - 1) / UNIT * UNIT + sizeof(*head) >
		ARENA_SIZE - used) {
		errno = ENOMEM;
		return (NULL);
	}
	size = (size + UNIT - 1) / UNIT * UNIT;
	head->size = size;
	used += sizeof(*head) + size;
	pieces++;
	return (head + 1);
}

void
free(void *piece)
{
	if (piece != NULL && --pieces == 0)
		used = 0;
}

void *
realloc(void *piece, size_t size)
{
	const struct head *head = piece;
	void *larger = malloc(size);

	if (larger == NULL || piece == NULL)
		return (larger);
	memcpy(larger, piece, head[-1].size < size ? head[-1].size : size);
	free(piece);
	return (larger);
}

void *
calloc(size_t count, size_t size)
{
	void *piece;

	if (size != 0 && count > ARENA_SIZE / size) {
		errno = ENOMEM;
		return (NULL);
	}
	piece = malloc(count * size);
	return (piece != NULL ? memset(piece, 0, count * size) : NULL);
}

#endif

/* SPDX-License-Identifier: ISC */
/*
 * Where a message waits between the two processes, as the text that will
 * stand in the mailbox: shared memory first, and past SPOOL_MEMORY a file
 * without a name.  The session writes it; the deliverer reads it at
 * explicit offsets only, and believes nothing about it but its length.
 */
#ifndef SPOOL_H
#define SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Octets that need no file. */
#define SPOOL_MEMORY	((size_t)256 * 1024)

/*
 * Make the spool, with its file in DIRECTORY; before the fork.
 * False with errno if that is not possible.
 */
bool	open_spool(const char *directory);

/* Forget the message. */
void	empty_spool(void);

/*
 * Add N octets.  False with errno (ENOSPC, EDQUOT, EIO) if they could not
 * all be taken; the message is then of no use.
 */
bool	write_spool(const char *octets, size_t n);

/* How many octets the message has now: in the session's eyes. */
uint64_t spool_length(void);

/*
 * The octets from OFFSET on: *AT points at them, and how many they are, at
 * most LEFT, is returned; -1 with errno if they cannot be read.  They stay
 * until the next call.
 */
int64_t	read_spool(uint64_t offset, uint64_t left, const char **at);

#endif

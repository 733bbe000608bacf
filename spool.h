/* SPDX-License-Identifier: ISC */
/*
 * Where a message waits between the two processes, as the text that will
 * stand in the mailbox: a window of shared memory, and before it, for what
 * is longer, a file without a name that only the deliverer has.  The
 * session fills the window; each time it is full it has the deliverer keep
 * it, and fills it anew.  The deliverer believes nothing about a message
 * but its length.
 */
#ifndef SPOOL_H
#define SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Octets that need no file. */
#define SPOOL_WINDOW	((size_t)1024 * 1024)

/* Make the window; before the fork.  False with errno if that is impossible. */
bool	open_spool(void);

/* ------------------------------------------------- the session's side */

/*
 * What has the deliverer keep a full window, behind the KEPT octets of this
 * message that it has; false with errno if it cannot (ENOSPC, EDQUOT, EIO).
 */
extern bool	(*keep_window)(uint64_t kept);

/* Forget the message. */
void	empty_spool(void);

/* Where N octets can be put that are to be added next; NULL: elsewhere. */
char	*spool_space(size_t n);

/*
 * Add N octets, which may stand in spool_space() already.  False with errno
 * if they could not all be taken; the message is then of no use.
 */
bool	write_spool(const char *octets, size_t n);

/* How many octets the message has, and how many of them are in the file. */
uint64_t spool_length(void);
uint64_t spool_kept(void);

/* ----------------------------------------------- the deliverer's side */

/*
 * Can a message of KEPT octets in the file and LENGTH in all be there?
 */
bool	is_in_spool(uint64_t kept, uint64_t length);

/*
 * Put the window into the file, in DIRECTORY, behind KEPT octets; with KEPT
 * 0 another message begins.  Not before is_in_spool(kept, kept + SPOOL_WINDOW)
 * says that it can be.  False with errno if the file cannot take it.
 */
bool	keep_spool(const char *directory, uint64_t kept);

/*
 * The octets from OFFSET on of a message that is_in_spool(): *AT points at
 * them, and how many they are, at most LEFT, is returned; -1 with errno if
 * they cannot be read.  They stay until the next call.
 */
int64_t
read_spool(uint64_t kept, uint64_t offset, uint64_t left, const char **at);

/* Give the file's space back. */
void	forget_spool(void);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * How a message gets into one locked mailbox, and out of it again: the
 * From_ line, our header lines, the spool, a blank line.
 */
#ifndef APPEND_H
#define APPEND_H

#include "mailbox.h"

struct message {
	const char	*id;
	const char	*reverse_path;	/* "" for the null path */
	uint64_t	 length;	/* octets in the spool */
	uint64_t	 kept;		/* those of them in its file */
	void		 (*progress)(void);	/* called between writes */
};

/* Add it to the mailbox's end; what of it is there is in MAILBOX. */
enum outcome
append_message(struct mailbox *mailbox, const struct message *message);

/* Have it on disk: the file, and the directory of a new one. */
enum outcome sync_mailbox(const struct mailbox *mailbox);

/*
 * Back to what it was, dates and all; only if the end is ours still, since
 * what a program that locks nothing has added is not ours to cut.
 */
void	cut_back(struct mailbox *mailbox);

#endif

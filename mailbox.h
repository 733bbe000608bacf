/* SPDX-License-Identifier: ISC */
/*
 * One mailbox: where it is, whether it is fit to be written to, whether it
 * has room.  It is a regular file with one link that belongs to its
 * recipient, opened with the recipient's effective ids where we are root.
 */
#ifndef MAILBOX_H
#define MAILBOX_H

#include "users.h"

#include <sys/stat.h>

#define MAILBOX_PATH_LIMIT	512

/* What became of it.  Only DELIVERED leaves an octet in any mailbox. */
enum outcome {
	DELIVERED,		/* synced to disk, in every mailbox */
	MAILBOX_LOCKED,		/* by somebody else, for all of lock-timeout */
	MAILBOX_REFUSED,	/* no mailbox that we would write to */
	MAILBOX_TOO_FULL,	/* mailbox-size-limit, quota, RLIMIT_FSIZE */
	NO_DISK_SPACE,
	DELIVERY_FAILED,	/* I/O error, or what nobody thought of */
	DELIVERY_STOPPED,	/* SIGTERM came while waiting for a lock */
	NO_TERMINAL		/* none of the user's took it, or would */
};

struct recipient {
	struct user	user;
	char		detail[LOCAL_PART_LIMIT + 1];	/* list of joe+list */
};

struct mailbox {
	const struct recipient *recipient;	/* the first whose it is */
	char		 path[MAILBOX_PATH_LIMIT];
	int		 fd;		/* -1 where there is none yet */
	bool		 has_fcntl_lock, has_dotlock, appended;
	struct stat	 before;	/* what a failed delivery goes back to */
	uint64_t	 written;	/* octets behind that */
};

/*
 * Take what rights delivery asks for: the group of a mail directory that
 * its group may write to, and no others.  Before the fork; false with errno
 * if a right cannot be taken.
 */
bool	prepare_mailboxes(void);

/* Take the recipient's effective ids; false with errno.  No root: nothing. */
bool	become_recipient(const struct mailbox *mailbox);
bool	become_user(const struct user *user);
void	become_root_again(void);

/* The mailbox setting with %u and %h filled in; false if it is no path. */
bool	mailbox_path(char path[MAILBOX_PATH_LIMIT], const struct user *user);

/*
 * Open a mailbox as its recipient, whose ids stay; where there is none FD
 * becomes -1, which is no failure.  Whatever it returns, close_mailbox().
 */
enum outcome
open_mailbox(struct mailbox *mailbox, const struct recipient *recipient);

/*
 * Make the mailbox that open_mailbox() did not find: the recipient's, mode
 * 0600, or 0660 where the directory's group may write to the directory.
 */
enum outcome create_mailbox(struct mailbox *mailbox);

void	close_mailbox(struct mailbox *mailbox);

/*
 * May users make files where the mailboxes are: in homes, but for that of
 * an ordinary user who started us, or in a directory that all may write to?
 */
bool	users_may_write_there(void);

/* Or are they in a directory that root and its group alone can write to? */
bool	only_mail_group_writes_there(void);

/* The directory that it is in, open for reading; -1 with errno. */
int	open_directory(const struct mailbox *mailbox);

/*
 * DELIVERED if a file with this status is fit to be the mailbox;
 * MAILBOX_LOCKED if another one has been put in its place.
 */
enum outcome check_kind(const struct mailbox *mailbox, const struct stat *st);

/* May this user's mailbox take LENGTH more octets?  Changes nothing. */
enum outcome check_mailbox(const struct user *user, uint64_t length);

/*
 * Log why this recipient cannot have it now, and return the outcome; the
 * second finds both in errno.
 */
enum outcome
refuse(const struct mailbox *mailbox, enum outcome outcome, const char *reason);
enum outcome refuse_errno(const struct mailbox *mailbox, const char *what);

#endif

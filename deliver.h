/* SPDX-License-Identifier: ISC */
/*
 * One message to all of its mailboxes or to none: all are locked, all
 * appended to, all synced, or all cut back to where they were.  Nothing is
 * held while a lock is waited for.  What is for the users' screens goes there
 * before or after that, and is no part of it.
 */
#ifndef DELIVER_H
#define DELIVER_H

#include "append.h"
#include "lock.h"

/*
 * Where a message goes (RFC 821 3.4): to the mailboxes of all, to the
 * terminals of all, to whichever a user has, a terminal first, or to both.
 */
enum destination { TO_MAILBOX, TO_TERMINAL, TO_EITHER, TO_BOTH };

struct delivery {
	struct message	 message;
	enum destination destination;
	bool		 (*is_over)(void);	/* ends a wait for locks */
	const struct recipient *recipients;
	size_t		 count;
	char		 note[NOTE_SIZE];
};

/* May it go to this user, so many octets?  Changes nothing. */
enum outcome check_recipient(const struct user *user,
	    enum destination destination, uint64_t length);

/*
 * Deliver what is in the spool; NOTE says who holds the lock where the
 * outcome is MAILBOX_LOCKED.  Logs a line for each recipient, or one with
 * the reason.  DELIVERY_STOPPED: IS_OVER said so while locks were waited for.
 */
enum outcome deliver_message(struct delivery *delivery);

#endif

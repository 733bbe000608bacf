/* SPDX-License-Identifier: ISC */
/*
 * One message to all of its mailboxes or to none: all are locked, all
 * appended to, all synced, or all cut back to where they were.  Nothing is
 * held while a lock is waited for.
 */
#ifndef DELIVER_H
#define DELIVER_H

#include "append.h"
#include "lock.h"

struct delivery {
	struct message	 message;
	bool		 (*is_over)(void);	/* ends a wait for locks */
	const struct recipient *recipients;
	size_t		 count;
	char		 note[NOTE_SIZE];
};

/*
 * Deliver what is in the spool; NOTE says who holds the lock where the
 * outcome is MAILBOX_LOCKED.  Logs a line for each recipient, or one with
 * the reason.  DELIVERY_STOPPED: IS_OVER said so while locks were waited for.
 */
enum outcome deliver_message(struct delivery *delivery);

#endif

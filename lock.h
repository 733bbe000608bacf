/* SPDX-License-Identifier: ISC */
/*
 * Who else has the mailbox?  Both locks, as Debian Policy 11.6 wants them:
 * fcntl(2), then the dotlock (liblockfile), neither of them waited for.
 */
#ifndef LOCK_H
#define LOCK_H

#include "mailbox.h"

/* Who holds the lock, in words for the client and the log. */
#define NOTE_SIZE	80

/*
 * Lock an open mailbox with its recipient's ids, which stay.
 * MAILBOX_LOCKED: somebody else has it, who is in NOTE, or a new file has
 * been put in its place; in any case release_mailbox() it.
 */
enum outcome lock_mailbox(struct mailbox *mailbox, char note[NOTE_SIZE]);

/*
 * Wait until nobody has the fcntl lock of an open mailbox, and take it, or
 * until ALARM_MS have passed, or longer where the lock comes free.  No lock
 * may be held meanwhile.  False if somebody has it still.
 */
#define ALARM_MS	100
bool	wait_for_fcntl_lock(struct mailbox *mailbox);

/* Let the locks go; the mailbox stays open. */
void	unlock_mailbox(struct mailbox *mailbox);

/*
 * Let the locks go and close the mailbox.  What could fail of close(2) was
 * synced before.
 */
void	release_mailbox(struct mailbox *mailbox);

/* Keep our dotlock young for those who go by its age. */
void	touch_dotlock(const struct mailbox *mailbox);

#endif

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
 * Let the locks go and close the mailbox, which drops the fcntl lock.
 * What could fail of close(2) was synced before.
 */
void	release_mailbox(struct mailbox *mailbox);

/* Keep our dotlock young for those who go by its age. */
void	touch_dotlock(const struct mailbox *mailbox);

#endif

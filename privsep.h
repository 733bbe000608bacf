/* SPDX-License-Identifier: ISC */
/*
 * The two processes, and their channel.
 *
 * The child is the deliverer: it has no descriptor of the client's, and
 * reads no octet that the client sent except to copy it.  The parent, whom
 * the super-server knows, is the session: where we are root it runs as the
 * user setting says, without groups, in an empty root directory.  What the
 * session may ask of the deliverer are check and deliver, and that it keep
 * a part of a message that is longer than the spool's window; nothing else.
 *
 * Only this module knows that there are two processes.
 */
#ifndef PRIVSEP_H
#define PRIVSEP_H

#include "request.h"

/*
 * Part into two.  Returns in the session, confined, with a descriptor that
 * becomes readable when the deliverer ends; never in the deliverer.  Dies
 * if any of it cannot be had.  WRITES_FILES: see confine_session().
 */
int	start_deliverer(bool writes_files);

/*
 * Ask whether LENGTH octets can go to the user at PLACE.  DELIVERY_STOPPED
 * if the deliverer is gone.
 */
enum outcome
ask_check(uint32_t place, enum destination destination, uint64_t length);

/*
 * Have the spool delivered; NOTE says more where the outcome is
 * MAILBOX_LOCKED.  Waits until it is decided.
 */
enum outcome ask_deliver(const struct envelope *envelope,
	    enum destination destination, char note[NOTE_SIZE]);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * Who is looking at a screen?  The terminals on which users are logged in,
 * as the records of utmp(5) name them, and how a message gets to them
 * (RFC 821 3.4).
 *
 * A record is believed in nothing but where to look.  What it names is
 * opened with the user's effective ids, and has to be a terminal of his that
 * takes messages, as mesg(1) has it.  No octet of a message can control it,
 * and none that hangs is waited for.
 */
#ifndef TERMINALS_H
#define TERMINALS_H

#include "append.h"

/* Open utmp, if terminals are wanted; before it is out of reach. */
void	prepare_terminals(void);

/*
 * Open the terminals of all of these recipients; has_terminal() then tells
 * of the Nth whether he has one.  Logs each that a record names and that is
 * passed over.  Whatever it finds, close_terminals().
 */
void	open_terminals(const struct recipient *recipients, size_t count);
bool	has_terminal(size_t recipient);
void	close_terminals(void);

/*
 * Write the message to the terminals of the Nth recipient.  False if none of
 * them took all of it; logs what became of each.  The waits for all that are
 * written to between two open_terminals() are some seconds together.
 */
bool	write_to_terminals(size_t recipient, const struct message *message);

/* Is the user at a terminal that takes messages?  Changes nothing. */
bool	is_at_terminal(const struct user *user);

#endif

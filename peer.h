/* SPDX-License-Identifier: ISC */
/*
 * Who is at the other end, and by which of our addresses: from the socket,
 * or where descriptor 0 is none, from what the super-server says in the
 * environment.  No name is looked up.
 */
#ifndef PEER_H
#define PEER_H

#include "parse.h"

/* As in a domain literal (RFC 5321 4.1.3); "" when nobody knows. */
extern char	client_literal[ADDRESS_LITERAL_LIMIT + 8];

/* Learn both addresses; false if descriptor 0 is no socket. */
bool	find_peer(void);

/* Is LITERAL the address at which the client reached us? */
bool	is_our_address(const struct address *literal);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * Who is that?  The handlers of VRFY and EXPN (RFC 5321 3.5, RFC 6531
 * 3.7.4.2), and what they and RCPT say of a name that leads to no mailbox.
 */
#ifndef QUESTIONS_H
#define QUESTIONS_H

#include "aliases.h"
#include "session.h"

struct answer handle_vrfy(struct slice argument);
struct answer handle_expn(struct slice argument);

/* For every route but TO_USERS. */
struct answer refuse_route(const struct expansion *list);

#endif

/* SPDX-License-Identifier: ISC */
/* Who is that?  The handler of VRFY (RFC 5321 3.5, RFC 6531 3.7.4.2). */
#ifndef QUESTIONS_H
#define QUESTIONS_H

#include "session.h"

struct answer handle_vrfy(struct slice argument);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * The transaction: who sends what to whom (RFC 5321 3.3).  The handlers of
 * MAIL and its kin, RCPT and DATA, and what happens between the 354 and the reply to
 * the mail data.
 */
#ifndef TRANSACTION_H
#define TRANSACTION_H

#include "session.h"

struct answer handle_mail(struct slice argument);
struct answer handle_send(struct slice argument);
struct answer handle_soml(struct slice argument);
struct answer handle_saml(struct slice argument);
struct answer handle_rcpt(struct slice argument);
struct answer handle_data(struct slice argument);
struct answer handle_bdat(struct slice argument);

/*
 * From the 354 to the verdict, which is *ANSWER; with LMTP that is the last
 * of several, and the others are on their way.  False if the session cannot
 * go on; *STATUS then says why.
 */
bool	receive_message(struct answer *answer, enum line_status *status);

/*
 * The octets behind BDAT, which are never commands: into the message where
 * *ANSWER to the command is good, and *ANSWER then is what became of them;
 * into nothing where it was refused.  False as above.
 */
bool	receive_octets(struct answer *answer, enum line_status *status);

#endif

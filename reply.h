/* SPDX-License-Identifier: ISC */
/*
 * Every text that the client can see, as one list.  A reply is a number
 * (RFC 5321 4.2), the last two parts of an enhanced code (RFC 3463), and a
 * text with at most one %s.  The first part of the enhanced code is the
 * first digit of the number, so that the two cannot disagree; "" means that
 * the reply has none (RFC 2034 4: the greeting, HELO, EHLO and 3yz).
 */
#ifndef REPLY_H
#define REPLY_H

#include "parse.h"

/* clang-format off */
#define REPLIES(R) \
	R(STATUS_SENDER,       211, "0.0", "Sender: %s") \
	R(STATUS_RECIPIENTS,   211, "0.0", "Recipients so far: %s") \
	R(STATUS_TRANSACTIONS, 211, "0.0", "Transactions so far: %s") \
	R(STATUS_LIMITS,       211, "0.0", "Limits: %s") \
	R(STATUS_TIME,         211, "0.0", "Seconds left: %s") \
	R(HELP_TEXT,           214, "0.0", "%s") \
	R(GREETING,            220, "",    "%s ESMTP in.smtpd") \
	R(GREETING_LMTP,       220, "",    "%s LMTP in.smtpd") \
	R(GOODBYE,             221, "0.0", "%s closing connection") \
	R(HELLO,               250, "",    "%s") \
	R(OFFER_PIPELINING,    250, "",    "PIPELINING") \
	R(OFFER_SIZE,          250, "",    "SIZE %s") \
	R(OFFER_8BITMIME,      250, "",    "8BITMIME") \
	R(OFFER_ENHANCED,      250, "",    "ENHANCEDSTATUSCODES") \
	R(OFFER_SMTPUTF8,      250, "",    "SMTPUTF8") \
	R(OFFER_CHUNKING,      250, "",    "CHUNKING") \
	R(OFFER_LIMITS,        250, "",    "LIMITS %s") \
	R(OFFER_SEND,          250, "",    "SEND") \
	R(OFFER_SOML,          250, "",    "SOML") \
	R(OFFER_SAML,          250, "",    "SAML") \
	R(OFFER_EXPN,          250, "",    "EXPN") \
	R(OFFER_VRFY,          250, "",    "VRFY") \
	R(OFFER_HELP,          250, "",    "HELP") \
	R(OK,                  250, "0.0", "Ok") \
	R(SENDER_OK,           250, "1.0", "Sender ok") \
	R(RECIPIENT_OK,        250, "1.5", "Recipient ok") \
	R(CHUNK_OK,            250, "0.0", "Chunk of %s octets is here") \
	R(ACCEPTED,            250, "6.0", "Delivered as %s") \
	R(USER_IS,             250, "1.5", "%s") \
	R(MEMBER_IS,           250, "1.5", "<%s>") \
	/* 251 comes with forwarding (RFC 5321 3.4). */ \
	R(CANNOT_VERIFY,       252, "1.5", \
	    "Cannot verify here, but RCPT will tell") \
	R(CANNOT_EXPAND,       252, "1.5", \
	    "Cannot expand here, but RCPT will tell") \
	R(UTF8_NOT_ASKED_FOR,  252, "6.8", \
	    "The answer has UTF-8; ask again with SMTPUTF8") \
	R(SEND_DATA,           354, "",    "End data with <CR><LF>.<CR><LF>") \
	R(SHUTTING_DOWN,       421, "3.2", \
	    "%s shutting down, closing connection") \
	R(MISCONFIGURED,       421, "3.5", \
	    "%s is not set up right, closing connection") \
	R(TIMED_OUT,           421, "4.2", \
	    "%s waited too long, closing connection") \
	R(OUT_OF_STEP,         421, "5.2", \
	    "%s cannot tell chunk from command, closing connection") \
	R(TOO_MANY_ERRORS,     421, "7.0", \
	    "%s saw too many errors, closing connection") \
	R(TOO_MANY_MESSAGES,   421, "7.0", \
	    "%s takes no more in this session, closing connection") \
	R(MAILBOX_BUSY,        450, "2.0", "Mailbox is busy: %s") \
	R(NOT_AT_TERMINAL,     450, "2.1", \
	    "Not at a terminal that takes messages now") \
	R(MAILBOX_UNUSABLE,    451, "2.0", \
	    "Mailbox is not usable now; tell the postmaster") \
	R(LOCAL_ERROR,         451, "3.0", \
	    "Local error, nothing was delivered") \
	R(USERS_UNREADABLE,    451, "3.0", "List of users cannot be read now") \
	R(ALIASES_UNREADABLE,  451, "3.0", \
	    "List of aliases cannot be read now") \
	R(DISK_FULL,           452, "3.1", "Not enough disk space now") \
	R(TOO_MANY_RECIPIENTS, 452, "5.3", \
	    "Too many recipients; send to the rest in another transaction") \
	R(UNKNOWN_COMMAND,     500, "5.1", "Command not recognized") \
	R(TOO_LONG,            500, "5.2", "Line too long") \
	R(BAD_LINE_END,        500, "5.2", \
	    "Line must end in CR LF, and have no CR or LF elsewhere") \
	R(BAD_CHARACTER,       500, "5.2", "Line has a control character") \
	R(SYNTAX,              501, "5.4", "Syntax: %s") \
	R(BAD_SENDER,          501, "1.7", "Bad sender address: %s") \
	R(BAD_RECIPIENT,       501, "1.3", "Bad recipient address: %s") \
	R(BAD_PARAMETER,       501, "5.4", "Bad value in parameter %s") \
	R(NOT_IMPLEMENTED,     502, "5.1", "Command not implemented") \
	R(NEED_HELLO,          503, "5.1", "Send HELO or EHLO first") \
	R(NEED_LHLO,           503, "5.1", "Send LHLO first") \
	R(NEED_SENDER,         503, "5.1", "Need MAIL first") \
	R(NEED_RECIPIENT,      503, "5.1", "Need RCPT first") \
	R(SENDER_GIVEN,        503, "5.1", \
	    "Sender already given; RSET starts anew") \
	R(NEED_BDAT,           503, "5.1", \
	    "Mail data has begun with BDAT; RSET starts anew") \
	R(CHUNK_REFUSED,       503, "5.1", \
	    "A chunk was refused; RSET starts anew") \
	R(UNKNOWN_TOPIC,       504, "5.4", \
	    "No help on this topic; HELP alone lists all") \
	R(NO_SUCH_USER,        550, "1.1", "No such user here") \
	R(LIST_FAULT,          550, "2.4", \
	    "List cannot be expanded; tell the postmaster") \
	R(NOT_OUR_DOMAIN,      550, "7.1", \
	    "Not a domain of this host; it does not relay") \
	R(NOT_LOCAL,           551, "1.6", \
	    "User not local; please try <%s>") \
	R(MAILBOX_FULL,        552, "2.2", "Mailbox is full") \
	R(MESSAGE_TOO_BIG,     552, "3.4", \
	    "Message is larger than the limit of %s octets") \
	R(AMBIGUOUS_USER,      553, "1.4", "Ambiguous; possible are") \
	R(POSSIBLE_USER,       553, "1.4", "%s") \
	R(UTF8_NOT_DECLARED,   553, "6.7", \
	    "Address has UTF-8, and SMTPUTF8 was not asked for") \
	R(AMBIGUOUS_UTF8,      553, "6.8", \
	    "Ambiguous, and the answer has UTF-8; ask again with SMTPUTF8") \
	R(BARE_NEWLINE,        554, "6.0", \
	    "Mail data has a CR or LF outside CR LF; nothing was delivered") \
	R(LOOP,                554, "4.6", \
	    "Too many Received lines; this is a loop") \
	R(OTHER_PROTOCOL,      554, "5.1", \
	    "This is SMTP and nothing else; closing connection") \
	R(TALKED_TOO_SOON,     554, "5.1", \
	    "Wait for the greeting before you talk; closing connection") \
	R(UNKNOWN_PARAMETER,   555, "5.4", "Parameter not recognized: %s")
/* clang-format on */

/* What a path fault is called in BAD_SENDER and BAD_RECIPIENT. */
/* clang-format off */
#define FAULT_TEXTS(F) \
	F(PATH_EMPTY,            "there is none") \
	F(PATH_UNCLOSED,         "> is missing") \
	F(PATH_TRAILING_TEXT,    "text behind it") \
	F(PATH_TOO_LONG,         "longer than 256 octets") \
	F(PATH_BAD_ROUTE,        "source route is malformed") \
	F(PATH_BAD_LOCAL_PART,   "local part is malformed") \
	F(PATH_LONG_LOCAL_PART,  "local part is longer than 64 octets") \
	F(PATH_UNCLOSED_QUOTE,   "quote is not closed") \
	F(PATH_NO_DOMAIN,        "domain is missing") \
	F(PATH_BAD_DOMAIN,       "domain is malformed") \
	F(PATH_BAD_LITERAL,      "address literal is malformed")
/* clang-format on */

enum reply {
#define R(name, number, detail, text) name,
	REPLIES(R)
#undef R
	REPLY_COUNT
};

/* A reply line with its CR LF is never longer (RFC 5321 4.5.3.1.5). */
#define REPLY_LINE_LIMIT 512

/*
 * Write one reply line with its CR LF into LINE, which has room for
 * REPLY_LINE_LIMIT octets, and return its length.  MORE makes it a line
 * that others follow.  ARGUMENT stands for the %s, or is NULL; in it what
 * is not printable becomes '?', and what is too long is cut.  UTF8 if the
 * client asked for characters beyond ASCII (RFC 6531 3.7.4.2).
 */
size_t format_reply(char *line, enum reply reply, bool more,
    const char *argument, bool utf8);

int	reply_number(enum reply reply);
const char *fault_text(enum path_fault fault);

#endif

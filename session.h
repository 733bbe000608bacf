/* SPDX-License-Identifier: ISC */
/*
 * What is known of the session so far, and how it is answered.  A handler
 * of a command (smtpd.c's table, transaction.c, questions.c) looks at it,
 * may change the transaction in it, and returns an answer; the order of
 * commands and the descriptors are none of its business.
 */
#ifndef SESSION_H
#define SESSION_H

#include "line.h"
#include "privsep.h"
#include "reply.h"

/* Where the transaction is (RFC 5321 3.3); as bits, so that a row has many. */
enum state {
	START		= 1,	/* no HELO or EHLO yet */
	READY		= 2,
	SENDER		= 4,	/* MAIL was taken */
	RECIPIENTS	= 8,	/* and a RCPT */
	CHUNKS		= 16,	/* and a BDAT, but not the last (RFC 3030 2) */
	SPOILED		= 32,	/* and a chunk that was refused */
	RECEIVING	= 64,	/* RECIPIENTS, and DATA */
	ENDED		= 128,
	ANY		= START | READY | SENDER | RECIPIENTS | CHUNKS | SPOILED,
	SAME		= 0
};

/* What a handler says: a reply, and what stands for its %s. */
struct answer {
	enum reply	 reply;
	const char	*argument;
};

struct session {
	enum state	state;
	bool		esmtp;		/* EHLO or LHLO, not HELO */
	bool		reply_utf8;	/* the command asked for it */
	int64_t		deadline;	/* of the whole session */
	int64_t		data_deadline;	/* of mail data that comes in chunks */
	int64_t		wait_until;	/* of what is waited for now */
	char		id[ID_SIZE - 8];
	char		hello[DOMAIN_LIMIT + 1];
	enum destination destination;	/* of the transaction */
	uint32_t	accepted;	/* RCPTs that added to the envelope */
	uint32_t	rcpt_count;	/* LMTP: of rcpt_ends */
	bool		utf8;		/* SMTPUTF8 (RFC 6531 3.4) */
	uint64_t	chunk_size;	/* of the BDAT that is at work */
	bool		last_chunk;
	char		first_recipient[PATH_LIMIT + 1];
	bool		size_given;	/* SIZE= */
	uint64_t	declared_size;	/* 0 if it was not */
	unsigned int	messages;	/* delivered */
	unsigned int	transactions;	/* MAIL commands (RFC 9422 4.1) */
	unsigned int	refused;	/* commands with 5yz */
	const char	*end;		/* why it ended, for the log */
	/* What is large stands behind what every session needs. */
	struct envelope	envelope;	/* of the transaction */
	uint32_t	rcpt_ends[MOST_RECIPIENTS]; /* each RCPT's recipients */
};

extern struct session session;

/* The answer of a handler. */
struct answer say(enum reply reply);
struct answer say_with(enum reply reply, const char *argument);

/* One line of several; the handler's answer is the last. */
void	put_line(enum reply reply, const char *argument);

/*
 * A reply to the client, to be sent at the next wait; a refusal is logged
 * with COMMAND, what was refused.
 */
void	put_answer(struct answer answer, struct slice command);

/* 421 and the end (RFC 5321 3.8); WHY is for the log. */
void	end_session(enum reply reply, const char *why);

/* The only place that clears the transaction; HELO's name stays. */
void	enter_ready(void);

/*
 * From now on wait for the client at most SECONDS, and never past the end of
 * the session, or that of mail data which comes in chunks.
 */
void	set_wait(uint64_t seconds);

/* NUMBER in a buffer that the next call uses again. */
const char *decimal(uint64_t number);

/* The client's address as a literal, or "unknown". */
const char *client(void);

/* TEXT made printable, as it may stand between < and >; returns BUFFER. */
const char *show(char *buffer, size_t size, const char *text);

/* Copy FROM to TO as a string, cut at SIZE - 1 octets. */
void	copy_text(char *to, size_t size, struct slice from);

#endif

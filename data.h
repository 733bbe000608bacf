/* SPDX-License-Identifier: ISC */
/*
 * Mail data, from the wire to the spool, as one streaming pass: dots are
 * unstuffed (RFC 5321 4.5.2), CR LF becomes LF, lines that look like From_
 * lines are quoted as mboxrd does it, Return-Path lines of the header are
 * dropped (4.4) and Received lines counted (6.3).  Every other octet comes
 * through as it is.
 */
#ifndef DATA_H
#define DATA_H

#include "line.h"

/* RFC 5321 6.3: at least 100; more is a loop. */
#define RECEIVED_LIMIT	100

/* How far a line has to be seen before its start can be judged. */
#define LINE_LOOKAHEAD		16
#define FIRST_LINE_LOOKAHEAD	1000	/* a text line, 4.5.3.1.6 */

/* Where the pass is; all zero is the start. */
struct transform {
	bool		bare_newline;	/* set by the caller: a lone LF may be */
	bool		chunked;	/* likewise: dots mean nothing */
	bool		at_end;		/* likewise: nothing comes behind */
	bool		inside_line;
	bool		after_quotes;	/* the line's run of '>' is behind us */
	bool		after_lone_lf;	/* the line before ended in one */
	bool		after_first;	/* the first line has begun */
	bool		body;		/* the header is behind us */
	bool		dropping;	/* this header field is left out */
	bool		done;		/* CR LF . CR LF was seen */
	bool		malformed;	/* a CR or LF outside CR LF was seen */
	unsigned int	received;	/* lines so called in the header */
	uint64_t	size;		/* octets so far, RFC 1870 1's count */
};

/*
 * Take the N octets at IN and write what they become to OUT, which has room
 * for 2 * N + 3; *WRITTEN says how many.  Returns how many of IN were
 * taken: fewer than LINE_LOOKAHEAD are left once the first line is begun,
 * fewer than FIRST_LINE_LOOKAHEAD before, unless DONE, when those behind
 * the end of the mail data are left.  None are left AT_END, and a last line
 * without a CR LF gets one.
 */
size_t	transform(struct transform *t, const char *in, size_t n, char *out,
	    size_t *written);

enum data_outcome {
	DATA_COMPLETE,
	DATA_TOO_BIG,
	DATA_MALFORMED,		/* a CR or LF outside CR LF */
	DATA_LOOPS,
	DATA_NO_SPACE,		/* in the spool */
	DATA_FAILED,		/* the spool cannot be written */
	DATA_CUT_SHORT		/* *STATUS says by what; the session ends */
};

/*
 * Read mail data up to its end (or the first wait that fails) and add it to
 * the spool, up to LIMIT octets.  Whatever is wrong with it, it is read to
 * its end, so that the session stays in step.  *SIZE is what came.
 */
enum data_outcome receive_data(uint64_t limit, bool bare_newline,
	    int64_t deadline, uint64_t *size, enum line_status *status);

/*
 * The same for mail data that comes in chunks (RFC 3030 2), where begins
 * and ends of chunks mean nothing: begin, then read each chunk of OCTETS to
 * its end, whatever is wrong with it; the LAST ends the mail data.
 */
void	begin_chunks(bool bare_newline);
enum data_outcome receive_chunk(uint64_t octets, bool last, uint64_t limit,
	    int64_t deadline, uint64_t *size, enum line_status *status);

/* Read so many octets and forget them. */
enum line_status skip_octets(uint64_t octets, int64_t deadline);

#endif

/* SPDX-License-Identifier: ISC */
#include "data.h"

#include "pages.h"
#include "scan.h"
#include "spool.h"

#include <errno.h>
#include <string.h>

/* What INPUT_SIZE octets become, where the spool's window is nearly full. */
static LARGE char around[2 * INPUT_SIZE + 3];

/* Of a message that comes in chunks; those that transform() left wait. */
static struct transform	chunks;
static uint64_t		announced;	/* by all BDAT so far */
static LARGE char	waiting[INPUT_SIZE];
static size_t		waiting_length;

/* Does TEXT start with the field name NAME, which is in lower case? */
static bool
is_field(struct slice text, struct slice name)
{
	return (skip_prefix(&text, name) && text.length > 0 &&
	    (text.at[0] == ':' || text.at[0] == ' '));
}

/*
 * A field name, one octet or more, and a colon (RFC 5322 2.2), before which
 * old mail has blanks (4.5).
 */
static bool
starts_field(struct slice text)
{
	size_t i = 0;

	/*@ loop invariant i <= text.length; loop assigns i; */
	while (i < text.length && text.at[i] > ' ' && text.at[i] <= '~' &&
	    text.at[i] != ':')
		i++;
	if (i == 0)
		return (false);
	/*@ loop invariant i <= text.length; loop assigns i; */
	while (i < text.length && (text.at[i] == ' ' || text.at[i] == '\t'))
		i++;
	return (i < text.length && text.at[i] == ':');
}

/* Judge a header line by its start; LINE reaches at least that far. */
static void
begin_header_line(struct transform *t, struct slice line)
{
	char first = line.length > 0 ? line.at[0] : '\n';

	if (first == '\r' || first == '\n') {
		t->body = true;
		t->dropping = false;
		return;
	}
	if ((first == ' ' || first == '\t') && t->after_first)
		return;		/* goes with the line before */
	t->dropping = is_field(line, TEXT("return-path"));
	if (is_field(line, TEXT("received")))
		t->received++;
}

/*
 * Is enough of the line here to judge its start?  All of it, or as much as
 * the longest thing looked for.
 */
static bool
can_judge(const struct transform *t, const char *in, size_t n)
{
	size_t enough = t->after_first ? LINE_LOOKAHEAD : FIRST_LINE_LOOKAHEAD;

	return (n >= enough || t->at_end || find_octet(in, '\n', n) != NULL);
}

/*
 * The start of a line: the end of the data, or a dot to drop, or a header
 * line; or the first line of mail data that has no header, before which OUT
 * gets a blank line.  Returns how many octets it took.
 */
static size_t
begin_line(struct transform *t, struct slice line, char *out, size_t *written)
{
	size_t taken = 0;

	if (line.at[0] == '.' && !t->chunked) {
		if (!t->after_lone_lf && line.length >= 3 &&
		    line.at[1] == '\r' && line.at[2] == '\n') {
			t->done = true;
			return (3);
		}
		taken = 1;
		line.at++;
		line.length--;
	}
	if (!t->after_first && !starts_field(line)) {
		if (line.length > 0 && line.at[0] != '\r' && line.at[0] != '\n')
			out[(*written)++] = '\n';
		t->body = true;
	}
	if (!t->body)
		begin_header_line(t, line);
	t->after_first = true;
	t->inside_line = true;
	t->after_quotes = false;
	return (taken);
}

/*
 * mboxrd: one more '>' before every line of any number of them and "From ".
 * Returns how many octets of the line it took: all '>', if enough is here to
 * tell what follows; if not, those that are here, or none.
 */
static size_t
quote_from(struct transform *t, struct slice line, char *out, size_t *written)
{
	static const char from[] = "From ";
	size_t n = 0, length = sizeof(from) - 1, left, i;

	/*@ loop invariant n <= line.length; loop assigns n; */
	while (n < line.length && line.at[n] == '>')
		n++;
	left = line.length - n;
	t->after_quotes = left >= length || t->at_end ||
	    memcmp(line.at + n, from, left) != 0;
	if (t->dropping)
		return (n);
	if (left >= length && memcmp(line.at + n, from, length) == 0)
		out[(*written)++] = '>';
	/*@ loop invariant i <= n && *written == \at(*written, LoopEntry) + i;
	    loop invariant \forall integer k;
		\at(*written, Pre) <= k < *written ==> out[k] == '>';
	    loop assigns i, *written, out[\at(*written, Pre) ..
		\at(*written, Pre) + n]; */
	for (i = 0; i < n; i++)
		out[(*written)++] = '>';
	return (n);
}

/*
 * The rest of the line, or what is here of it.  Returns how many octets of
 * IN it took: all but a CR at the end, of which nobody knows yet what
 * follows.
 */
static size_t
copy_line(struct transform *t, struct slice in, char *out, size_t *written)
{
	size_t keep = copy_to_line_end(out + *written, in.at, in.length);
	size_t taken = keep, left = in.length - keep;
	const char *end = in.at + keep;
	bool ends = false;

	if (left > 0 && end[0] == '\n') {	/* alone */
		t->malformed |= !t->bare_newline;
		t->after_lone_lf = ends = true;
		taken++;
	} else if (left > 1 && end[1] == '\n') {
		t->after_lone_lf = false;
		ends = true;
		taken += 2;
	} else if (left > 1 || (left > 0 && t->at_end)) {
		t->malformed = true;	/* a CR inside, or at the very end */
		out[*written + keep] = '\r';
		keep = ++taken;
	}
	t->inside_line = !ends;
	if (!t->dropping) {
		*written += keep;
		if (ends)
			out[(*written)++] = '\n';
	}
	return (taken);
}

size_t
transform(struct transform *t, const char *in, size_t n, char *out,
    size_t *written)
{
	size_t at = 0, taken;

	*written = 0;
	/*@ loop invariant at <= n && t->at_end == \at(t->at_end, Pre);
	    loop invariant t->done ==> !t->inside_line;
	    loop invariant \at(t->after_first, Pre) ==> t->after_first;
	    loop invariant *written <= 2 * at +
		(t->after_first && !\at(t->after_first, Pre) ? 1 : 0) +
		(t->inside_line && t->after_quotes ? 1 : 0);
	    loop invariant given: are_given{Here, Pre}(out, *written, in, n);
	    loop invariant quoted: are_quoted(out, *written, begins_line{Pre}(t),
		t->inside_line && t->after_quotes && !t->dropping &&
		(t->at_end ? at == n : n - at == 1 && in[at] == '\r') ? 1 : 0);
	    loop invariant resumed: begins_line{Pre}(t) == 0 && n > 0 &&
		\at(in[0], Pre) == '\r' ==>
		(*written == 0 && at == 0 && begins_line(t) == 0) ||
		(*written > 0 && (out[0] == '\n' || out[0] == '\r'));
	    loop invariant judged: t->inside_line && t->after_quotes &&
		!t->dropping && is_start(out, *written, begins_line{Pre}(t)) ==>
		differs(in + at, 0, n - at) || (t->at_end && n - at < 5);
	    loop assigns at, taken, *t, *written, out[0 .. 2 * n + 2]; */
	while (at < n && !t->done) {
		struct slice rest = { in + at, n - at };

		if (!t->inside_line) {
			if (!can_judge(t, rest.at, rest.length))
				break;
			/* Its dots are no part of the size. */
			at += begin_line(t, rest, out, written);
			continue;
		}
		if (!t->after_quotes) {
			taken = quote_from(t, rest, out, written);
			if (taken == 0 && !t->after_quotes)
				break;
		} else {
			taken = copy_line(t, rest, out, written);
			if (taken == 0)
				break;
		}
		at += taken;
		t->size += taken;
	}
	if (t->at_end && t->inside_line && !t->dropping)
		out[(*written)++] = '\n';
	return (at);
}

/* What is wrong with the mail data by now, if anything. */
static enum data_outcome
find_fault(const struct transform *t, uint64_t limit)
{
	if (t->malformed)
		return (DATA_MALFORMED);
	if (t->size > limit)
		return (DATA_TOO_BIG);
	if (t->received > RECEIVED_LIMIT)
		return (DATA_LOOPS);
	return (DATA_COMPLETE);
}

/*
 * Put what N octets at IN become into the spool, if nothing was or is wrong
 * with the mail data; *TAKEN says how many of them are done with.
 */
static enum data_outcome
store(struct transform *t, const char *in, size_t n, uint64_t limit,
    enum data_outcome before, size_t *taken)
{
	char *out = spool_space(2 * n + 3);
	enum data_outcome fault;
	size_t length;

	if (out == NULL)
		out = around;
	*taken = transform(t, in, n, out, &length);
	fault = find_fault(t, limit);
	if (fault != DATA_COMPLETE)
		return (fault);
	if (before == DATA_COMPLETE && !write_spool(out, length))
		return (errno == ENOSPC || errno == EDQUOT ? DATA_NO_SPACE :
							     DATA_FAILED);
	return (before);
}

enum data_outcome
receive_data(uint64_t limit, bool bare_newline, int64_t deadline,
    uint64_t *size, enum line_status *status)
{
	struct transform t = { .bare_newline = bare_newline };
	enum data_outcome outcome = DATA_COMPLETE;
	struct slice in;
	size_t taken;

	while (!t.done) {
		*status = read_input(&in, deadline);
		if (*status != LINE_OK)
			return (DATA_CUT_SHORT);
		outcome = store(&t, in.at, in.length, limit, outcome, &taken);
		take_input(taken);
	}
	*size = t.size;
	return (outcome);
}

void
begin_chunks(bool bare_newline)
{
	chunks = (struct transform){ .bare_newline = bare_newline,
		.chunked = true };
	announced = 0;
	waiting_length = 0;
}

/* Up to N octets of what is here, behind those that wait; how many. */
static size_t
add_waiting(struct slice in, uint64_t n)
{
	size_t room = sizeof(waiting) - waiting_length;

	if (n > in.length)
		n = in.length;
	if (n > room)
		n = room;
	memcpy(waiting + waiting_length, in.at, (size_t)n);
	waiting_length += (size_t)n;
	return ((size_t)n);
}

static enum data_outcome
store_waiting(uint64_t limit)
{
	size_t taken;
	enum data_outcome outcome = store(&chunks, waiting, waiting_length,
	    limit, DATA_COMPLETE, &taken);

	waiting_length -= taken;
	memmove(waiting, waiting + taken, waiting_length);
	return (outcome);
}

enum data_outcome
receive_chunk(uint64_t octets, bool last, uint64_t limit, int64_t deadline,
    uint64_t *size, enum line_status *status)
{
	enum data_outcome outcome = DATA_COMPLETE;
	struct slice in;
	size_t n;

	*status = LINE_OK;
	if (octets > limit - announced)
		outcome = DATA_TOO_BIG;
	else
		announced += octets;
	while (octets > 0 && outcome == DATA_COMPLETE) {
		*status = read_input(&in, deadline);
		if (*status != LINE_OK)
			return (DATA_CUT_SHORT);
		n = add_waiting(in, octets);
		take_input(n);
		octets -= n;
		outcome = store_waiting(limit);
	}
	if (outcome == DATA_COMPLETE && last) {
		chunks.at_end = true;
		outcome = store_waiting(limit);
	}
	*size = chunks.size;
	*status = skip_octets(octets, deadline);
	return (*status == LINE_OK ? outcome : DATA_CUT_SHORT);
}

enum line_status
skip_octets(uint64_t octets, int64_t deadline)
{
	enum line_status status;
	struct slice in;
	size_t n;

	for (; octets > 0; octets -= n) {
		status = read_input(&in, deadline);
		if (status != LINE_OK)
			return (status);
		n = in.length < octets ? in.length : (size_t)octets;
		take_input(n);
	}
	return (LINE_OK);
}

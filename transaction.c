/* SPDX-License-Identifier: ISC */
#include "transaction.h"

#include "aliases.h"
#include "data.h"
#include "date.h"
#include "log.h"
#include "pages.h"
#include "questions.h"
#include "settings.h"
#include "spool.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define DECLARED_SIZE_LIMIT ((uint64_t)1 << 60)	/* no sum of it overflows */

static uint64_t
message_size_limit(void)
{
	return (settings.message_size_limit != 0 ? settings.message_size_limit :
						   UINT64_MAX);
}

/* SIZE=n (RFC 1870 3), BODY= (RFC 6152 2), SMTPUTF8 (RFC 6531 3.4). */
static struct answer
take_mail_parameter(const struct parameter *parameter)
{
	static char name[32];

	if (session.esmtp && equal_fold(parameter->keyword, TEXT("SIZE"))) {
		if (session.size_given ||
		    (!parse_number(parameter->value, &session.declared_size) &&
		    session.declared_size != UINT64_MAX))
			return (say_with(BAD_PARAMETER, "SIZE"));
		session.size_given = true;
		if (session.declared_size > message_size_limit() ||
		    session.declared_size > DECLARED_SIZE_LIMIT)
			return (say_with(MESSAGE_TOO_BIG,
			    decimal(settings.message_size_limit)));
		return (say(OK));
	}
	if (session.esmtp && equal_fold(parameter->keyword, TEXT("BODY"))) {
		if (equal_fold(parameter->value, TEXT("7BIT")) ||
		    equal_fold(parameter->value, TEXT("8BITMIME")))
			return (say(OK));
		return (say_with(BAD_PARAMETER, "BODY"));
	}
	if (session.esmtp && equal_fold(parameter->keyword, TEXT("SMTPUTF8"))) {
		if (session.utf8 || parameter->has_value)
			return (say_with(BAD_PARAMETER, "SMTPUTF8"));
		session.utf8 = true;
		return (say(OK));
	}
	return (say_with(UNKNOWN_PARAMETER,
	    printable(name, sizeof(name), parameter->keyword.at,
		parameter->keyword.length)));
}

/* MAIL, and those that begin a transaction likewise; SYNTAX is theirs. */
static struct answer
take_sender(struct slice text, enum destination destination, const char *syntax)
{
	struct parameter parameter;
	struct answer answer;
	enum path_fault fault;
	struct path path;

	if (settings.transaction_limit != 0 &&
	    session.transactions >= settings.transaction_limit) {
		session.state = ENDED;
		session.end = "too many messages";
		return (say_with(TOO_MANY_MESSAGES, settings.hostname));
	}
	session.transactions++;
	if (!skip_prefix(&text, TEXT("FROM:")))
		return (say_with(SYNTAX, syntax));
	fault = parse_path(&text, REVERSE_PATH, &path);
	if (fault != PATH_FINE)
		return (say_with(BAD_SENDER, fault_text(fault)));
	session.declared_size = 0;
	session.size_given = false;
	session.utf8 = false;
	while (parse_parameter(&text, &parameter)) {
		answer = take_mail_parameter(&parameter);
		if (answer.reply != OK)
			return (answer);
	}
	if (text.length > 0)
		return (say_with(SYNTAX, syntax));
	if (path.is_utf8 && !session.utf8)	/* RFC 6531 3.5 */
		return (say(UTF8_NOT_DECLARED));
	session.destination = destination;
	copy_text(session.envelope.reverse_path,
	    sizeof(session.envelope.reverse_path), path.mailbox);
	return (say(SENDER_OK));
}

struct answer
handle_mail(struct slice text)
{
	return (take_sender(text, TO_MAILBOX,
	    "MAIL FROM:<address> [NAME=VALUE]"));
}

struct answer
handle_send(struct slice text)
{
	return (take_sender(text, TO_TERMINAL,
	    "SEND FROM:<address> [NAME=VALUE]"));
}

struct answer
handle_soml(struct slice text)
{
	return (take_sender(text, TO_EITHER,
	    "SOML FROM:<address> [NAME=VALUE]"));
}

struct answer
handle_saml(struct slice text)
{
	return (take_sender(text, TO_BOTH, "SAML FROM:<address> [NAME=VALUE]"));
}

static struct answer
answer_of(enum outcome outcome, const char *note)
{
	switch (outcome) {
	case DELIVERED:
		return (say(OK));
	case MAILBOX_LOCKED:
		return (say_with(MAILBOX_BUSY, note));
	case MAILBOX_REFUSED:
		return (say(MAILBOX_UNUSABLE));
	case MAILBOX_TOO_FULL:
		return (say(MAILBOX_FULL));
	case NO_DISK_SPACE:
		return (say(DISK_FULL));
	case NO_TERMINAL:
		return (say(NOT_AT_TERMINAL));
	case DELIVERY_FAILED:
		break;
	case DELIVERY_STOPPED:
		session.state = ENDED;
		session.end = "stopped";
		return (say_with(SHUTTING_DOWN, settings.hostname));
	}
	return (say(LOCAL_ERROR));
}

/*
 * Where the recipients of the RCPT begin that is at work: with LMTP each is
 * a delivery of its own, otherwise there is one for all.
 */
static uint32_t
first_of_rcpt(void)
{
	if (session.rcpt_count == 0)
		return (0);
	return (session.rcpt_ends[session.rcpt_count - 1]);
}

static bool
is_on_list(uint32_t place)
{
	uint32_t i;

	for (i = first_of_rcpt(); i < session.envelope.count; i++)
		if (session.envelope.recipients[i].place == place)
			return (true);
	return (false);
}

/* A user once, however often he is named. */
static struct answer
add_recipient(uint32_t place, struct slice detail)
{
	struct envelope *envelope = &session.envelope;
	struct recipient_request *recipient;
	enum outcome outcome;

	if (is_on_list(place))
		return (say(RECIPIENT_OK));
	if (session.accepted >= settings.recipient_limit ||
	    envelope->count == MOST_RECIPIENTS)
		return (say(TOO_MANY_RECIPIENTS));
	outcome = ask_check(place, session.destination, session.declared_size);
	if (outcome != DELIVERED)
		return (answer_of(outcome, ""));
	recipient = &envelope->recipients[envelope->count++];
	recipient->place = place;
	copy_text(recipient->detail, sizeof(recipient->detail), detail);
	return (say(RECIPIENT_OK));
}

/* All users of a list, or none: envelope.count stands where it stood then. */
static struct answer
add_recipients(const struct expansion *list, const struct path *path)
{
	uint32_t before = session.envelope.count;
	struct answer answer;
	size_t i;

	for (i = 0; i < list->count; i++) {
		answer = add_recipient(list->members[i].place, list->detail);
		if (answer.reply != RECIPIENT_OK) {
			session.envelope.count = before;
			return (answer);
		}
	}
	copy_text(session.first_recipient, sizeof(session.first_recipient),
	    before == 0 ? path->mailbox : (struct slice){ "", 0 });
	session.accepted += session.envelope.count > before;
	if (settings.protocol == LMTP)
		session.rcpt_ends[session.rcpt_count++] = session.envelope
							      .count;
	return (say(RECIPIENT_OK));
}

/* What of the aliases stands against this recipient, for who keeps them. */
static void
log_fault(const struct expansion *list, const struct path *path)
{
	char name[LOCAL_PART_LIMIT + 1], entry[200], local_part[sizeof(name)];

	copy_text(local_part, sizeof(local_part),
	    (struct slice){ path->local_part, path->local_part_length });
	log_line(LOG_WARNING, "alias name=<%s> entry=\"%s\" reason=\"%s%s\"",
	    show(name, sizeof(name), local_part),
	    printable(entry, sizeof(entry), list->culprit.at,
		list->culprit.length),
	    list->reason, list->route == TO_USERS ? "; root gets it" : "");
}

struct answer
handle_rcpt(struct slice text)
{
	const struct expansion *list;
	struct parameter parameter;
	enum path_fault fault;
	struct path path;
	static char name[32];

	if (!skip_prefix(&text, TEXT("TO:")))
		return (say_with(SYNTAX, "RCPT TO:<address>"));
	fault = parse_path(&text, FORWARD_PATH, &path);
	if (fault != PATH_FINE)
		return (say_with(BAD_RECIPIENT, fault_text(fault)));
	if (parse_parameter(&text, &parameter))
		return (say_with(UNKNOWN_PARAMETER,
		    printable(name, sizeof(name), parameter.keyword.at,
		    parameter.keyword.length)));
	if (text.length > 0)
		return (say_with(SYNTAX, "RCPT TO:<address>"));
	if (path.is_utf8 && !session.utf8)
		return (say(UTF8_NOT_DECLARED));
	if (!is_local(&path))
		return (say(NOT_OUR_DOMAIN));
	list = expand((struct slice){ path.local_part,
	    path.local_part_length });
	if (list->reason != NULL)
		log_fault(list, &path);
	if (list->route == TO_USERS)
		return (add_recipients(list, &path));
	return (refuse_route(list));
}

struct answer
handle_data(struct slice none)
{
	(void)none;
	return (say(SEND_DATA));
}

/* RFC 3848, RFC 6531 4.3 */
static const char *
protocol_name(void)
{
	if (settings.protocol == LMTP)
		return (session.utf8 ? "UTF8LMTP" : "LMTP");
	return (session.utf8 ? "UTF8SMTP" : session.esmtp ? "ESMTP" : "SMTP");
}

/* RFC 5321 4.4; where HELO gave no domain it goes into a comment. */
static void
write_received(void)
{
	char text[1280], helo[DOMAIN_LIMIT + 1], date[DATE_SIZE];
	struct slice hello = slice_of(session.hello);
	bool for_one = session.first_recipient[0] != '\0';
	struct address literal;
	bool named = is_domain(hello) || parse_literal(hello, &literal);
	int n;

	format_header_date(date, time(NULL));
	show(helo, sizeof(helo), session.hello);
	helo[strcspn(helo, "()")] = '\0';
	n = snprintf(text, sizeof(text),
	    "Received: from %s (%s%s)\n"
	    "\tby %s (in.smtpd) with %s id %s%s%s%s;\n\t%s\n",
	    named ? helo : client(), named ? "" : "helo ",
	    named ? client() : helo, settings.hostname, protocol_name(),
	    session.envelope.id, for_one ? "\n\tfor <" : "",
	    session.first_recipient, for_one ? ">" : "", date);
	if (n > 0 && (size_t)n < sizeof(text))
		write_spool(text, (size_t)n);
}

static void
begin_message(void)
{
	snprintf(session.envelope.id, sizeof(session.envelope.id), "%s.%u",
	    session.id, session.transactions);
	write_received();
}

/* The chunk is counted in smtpd.c, where it must be whatever its order. */
struct answer
handle_bdat(struct slice chunk)
{
	(void)chunk;
	if (session.state == RECIPIENTS) {
		set_wait(settings.data_timeout);
		session.data_deadline = session.wait_until;
		begin_message();
		begin_chunks(settings.bare_newline);
	}
	return (say_with(CHUNK_OK, decimal(session.chunk_size)));
}

static struct answer
deliver(const struct envelope *envelope, uint64_t size)
{
	static char note[NOTE_SIZE];
	char helo[80], from[PATH_LIMIT + 1];
	enum outcome outcome = ask_deliver(envelope, session.destination, note);

	if (outcome != DELIVERED)
		return (answer_of(outcome, note));
	session.messages++;
	log_line(LOG_INFO,
	    "accepted message=%s client=%s helo=<%s> "
	    "from=<%s> nrcpt=%u size=%llu",
	    session.envelope.id, client(),
	    show(helo, sizeof(helo), session.hello),
	    show(from, sizeof(from), session.envelope.reverse_path),
	    envelope->count, (unsigned long long)size);
	return (say_with(ACCEPTED, session.envelope.id));
}

/* Has the user at PLACE got it by one of the first COUNT recipients? */
static bool
has_it(uint32_t place, uint32_t count, const bool *given)
{
	uint32_t i;

	for (i = 0; i < count; i++)
		if (given[i] && session.envelope.recipients[i].place == place)
			return (true);
	return (false);
}

/* Those from FIRST to END who have it not yet: each gets it once. */
static void
list_those_without(struct envelope *part, uint32_t first, uint32_t end,
    const bool *given)
{
	const struct envelope *all = &session.envelope;
	uint32_t i;

	memcpy(part->id, all->id, sizeof(part->id));
	memcpy(part->reverse_path, all->reverse_path,
	    sizeof(part->reverse_path));
	part->count = 0;
	for (i = first; i < end; i++)
		if (!has_it(all->recipients[i].place, first, given))
			part->recipients[part->count++] = all->recipients[i];
}

/*
 * LMTP: the recipients of each RCPT are a delivery of their own, with a
 * reply of its own, which goes out before the next may have to wait
 * (RFC 2033 4.2).  Where nothing can be delivered it is one for all.
 */
static struct answer
answer_each_rcpt(const struct answer *failure, uint64_t size)
{
	static LARGE struct envelope part;
	static LARGE bool given[MOST_RECIPIENTS];
	struct answer answer = say(LOCAL_ERROR);
	uint32_t i, first = 0, end;

	for (i = 0; i < session.rcpt_count && session.state != ENDED; i++) {
		if (i > 0) {
			put_answer(answer, TEXT("DATA"));
			flush_output(session.wait_until);
		}
		end = session.rcpt_ends[i];
		list_those_without(&part, first, end, given);
		answer = failure != NULL ? *failure :
		    part.count > 0	 ? deliver(&part, size) :
			say_with(ACCEPTED, session.envelope.id);
		for (; first < end; first++)
			given[first] = reply_number(answer.reply) < 400;
	}
	return (answer);
}

/* Why nothing can be delivered. */
static struct answer
answer_fault(enum data_outcome outcome)
{
	switch (outcome) {
	case DATA_TOO_BIG:
		return (say_with(MESSAGE_TOO_BIG,
		    decimal(settings.message_size_limit)));
	case DATA_MALFORMED:
		return (say(BARE_NEWLINE));
	case DATA_LOOPS:
		return (say(LOOP));
	case DATA_NO_SPACE:
		return (say(DISK_FULL));
	default:
		return (say(LOCAL_ERROR));
	}
}

static struct answer
answer_message(enum data_outcome outcome, uint64_t size)
{
	struct answer fault = answer_fault(outcome);

	if (settings.protocol == LMTP)
		return (answer_each_rcpt(outcome == DATA_COMPLETE ? NULL :
								    &fault,
		    size));
	return (outcome == DATA_COMPLETE ? deliver(&session.envelope, size) :
					   fault);
}

bool
receive_message(struct answer *answer, enum line_status *status)
{
	enum data_outcome outcome;
	uint64_t size = 0;

	begin_message();
	outcome = receive_data(message_size_limit(), settings.bare_newline,
	    session.wait_until, &size, status);
	if (outcome == DATA_CUT_SHORT)
		return (false);
	*answer = answer_message(outcome, size);
	return (true);
}

/* Of a message with a chunk that was refused, no more is wanted. */
static bool
skip_chunk(struct answer *answer, enum line_status *status)
{
	*status = skip_octets(session.chunk_size, session.wait_until);
	if (*status != LINE_OK)
		return (false);
	if (settings.protocol == LMTP && session.state == SPOILED &&
	    session.last_chunk)
		*answer = answer_each_rcpt(answer, 0);
	return (true);
}

bool
receive_octets(struct answer *answer, enum line_status *status)
{
	enum data_outcome outcome;
	uint64_t size = 0;

	set_wait(settings.data_timeout);
	if (reply_number(answer->reply) >= 400)
		return (skip_chunk(answer, status));
	outcome = receive_chunk(session.chunk_size, session.last_chunk,
	    message_size_limit(), session.wait_until, &size, status);
	if (outcome == DATA_CUT_SHORT)
		return (false);
	if (session.last_chunk) {
		*answer = answer_message(outcome, size);
	} else if (outcome != DATA_COMPLETE) {
		*answer = answer_fault(outcome);
		session.state = SPOILED;
		empty_spool();
	}
	return (true);
}

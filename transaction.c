/* SPDX-License-Identifier: ISC */
#include "transaction.h"

#include "aliases.h"
#include "data.h"
#include "date.h"
#include "log.h"
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

/* SIZE=n (RFC 1870 3) and BODY= (RFC 6152 2); the rest is unknown. */
static struct answer
take_mail_parameter(const struct parameter *parameter)
{
	static char name[32];

	if (session.esmtp && equal_fold(parameter->keyword, slice_of("SIZE"))) {
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
	if (session.esmtp && equal_fold(parameter->keyword, slice_of("BODY"))) {
		if (equal_fold(parameter->value, slice_of("7BIT")) ||
		    equal_fold(parameter->value, slice_of("8BITMIME")))
			return (say(OK));
		return (say_with(BAD_PARAMETER, "BODY"));
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

	if (!skip_prefix(&text, "FROM:"))
		return (say_with(SYNTAX, syntax));
	fault = parse_path(&text, REVERSE_PATH, &path);
	if (fault != PATH_FINE)
		return (say_with(BAD_SENDER, fault_text(fault)));
	session.declared_size = 0;
	session.size_given = false;
	while (parse_parameter(&text, &parameter)) {
		answer = take_mail_parameter(&parameter);
		if (answer.reply != OK)
			return (answer);
	}
	if (text.length > 0)
		return (say_with(SYNTAX, syntax));
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

static bool
is_on_list(uint32_t place)
{
	uint32_t i;

	for (i = 0; i < session.envelope.count; i++)
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

	if (!skip_prefix(&text, "TO:"))
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
	    named ? client() : helo, settings.hostname,
	    session.esmtp ? "ESMTP" : "SMTP", session.envelope.id,
	    for_one ? "\n\tfor <" : "", session.first_recipient,
	    for_one ? ">" : "", date);
	if (n > 0 && (size_t)n < sizeof(text))
		write_spool(text, (size_t)n);
}

static struct answer
deliver(uint64_t size)
{
	static char note[NOTE_SIZE];
	char helo[80], from[PATH_LIMIT + 1];
	enum outcome outcome = ask_deliver(&session.envelope,
	    session.destination, note);

	if (outcome != DELIVERED)
		return (answer_of(outcome, note));
	session.messages++;
	log_line(LOG_INFO,
	    "accepted message=%s client=%s helo=<%s> "
	    "from=<%s> nrcpt=%u size=%llu",
	    session.envelope.id, client(),
	    show(helo, sizeof(helo), session.hello),
	    show(from, sizeof(from), session.envelope.reverse_path),
	    session.envelope.count, (unsigned long long)size);
	return (say_with(ACCEPTED, session.envelope.id));
}

bool
receive_message(struct answer *answer, enum line_status *status)
{
	uint64_t size = 0;

	snprintf(session.envelope.id, sizeof(session.envelope.id), "%s.%u",
	    session.id, ++session.transactions);
	write_received();
	switch (receive_data(message_size_limit(), settings.bare_newline,
	    session.wait_until, &size, status)) {
	case DATA_COMPLETE:
		*answer = deliver(size);
		return (true);
	case DATA_TOO_BIG:
		*answer = say_with(MESSAGE_TOO_BIG,
		    decimal(settings.message_size_limit));
		return (true);
	case DATA_MALFORMED:
		*answer = say(BARE_NEWLINE);
		return (true);
	case DATA_LOOPS:
		*answer = say(LOOP);
		return (true);
	case DATA_NO_SPACE:
		*answer = say(DISK_FULL);
		return (true);
	case DATA_FAILED:
		*answer = say(LOCAL_ERROR);
		return (true);
	case DATA_CUT_SHORT:
		break;
	}
	return (false);
}

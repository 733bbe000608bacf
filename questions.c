/* SPDX-License-Identifier: ISC */
#include "questions.h"

#include "pages.h"

#include <stdio.h>
#include <string.h>

#define CANDIDATES	10	/* that VRFY lists of an ambiguous name */

/* The first domain that we serve. */
static struct slice
first_domain(void)
{
	struct slice list = slice_of(settings.domains), domain;

	if (!next_word(&list, &domain) || equal_fold(domain, TEXT("hostname")))
		domain = slice_of(settings.hostname);
	return (domain);
}

/*
 * May the client have the address of this user?  UTF-8 goes only to who asked
 * for it (RFC 6531 3.7.4.2); a full name may do without.
 */
static bool
may_show(const struct user *user)
{
	return (session.reply_utf8 ||
	    (is_ascii(user->name) && is_ascii(first_domain())));
}

/* "Full Name <user@domain>" */
static const char *
user_text(const struct user *user)
{
	static LARGE char text[REPLY_LINE_LIMIT];
	struct slice domain = first_domain();
	char name[128];
	size_t length = full_name(user, name, sizeof(name));

	snprintf(text, sizeof(text), "%s%s<%.*s@%.*s>", name,
	    length > 0 ? " " : "", (int)user->name.length, user->name.at,
	    (int)domain.length, domain.at);
	return (text);
}

static struct answer
show_user(const struct user *user)
{
	return (may_show(user) ? say_with(USER_IS, user_text(user)) :
				 say(UTF8_NOT_ASKED_FOR));
}

struct answer
refuse_route(const struct expansion *list)
{
	static LARGE char address[PATH_LIMIT + 1];

	switch (list->route) {
	case TO_UNREAD_USERS:
		return (say(USERS_UNREADABLE));
	case TO_UNREAD_ALIASES:
		return (say(ALIASES_UNREADABLE));
	case TO_TOO_MANY:
		return (say(TOO_MANY_RECIPIENTS));
	case TO_FAULT:
		return (say(LIST_FAULT));
	case TO_ELSEWHERE:
		copy_text(address, sizeof(address), list->members[0].address);
		return (say_with(NOT_LOCAL, address));
	default:
		return (say(NO_SUCH_USER));
	}
}

static bool
may_show_all(struct slice name)
{
	struct user user;
	uint32_t place = 0;
	enum lookup found;

	do {
		found = find_by_full_name(name, place, &user);
		if (!may_show(&user))
			return (false);
		place = next_place(&user);
	} while (found == USER_SEVERAL);
	return (true);
}

/* 553 and whom it may be (RFC 5321 3.5.1). */
static struct answer
list_candidates(struct slice name)
{
	struct user user;
	uint32_t place = 0;
	int i;

	if (!may_show_all(name))
		return (say(AMBIGUOUS_UTF8));
	put_line(AMBIGUOUS_USER, NULL);
	for (i = 1; find_by_full_name(name, place, &user) == USER_SEVERAL &&
	     i < CANDIDATES;
	     i++) {
		put_line(POSSIBLE_USER, user_text(&user));
		place = next_place(&user);
	}
	find_by_full_name(name, place, &user);
	return (say_with(POSSIBLE_USER, user_text(&user)));
}

/*
 * One mailbox is shown as such, also behind an alias; of several the list's
 * own address, since all of them would get mail for it (RFC 5321 3.5.1).
 */
static struct answer
verify_route(const struct expansion *list, struct slice name)
{
	static LARGE char text[LOCAL_PART_LIMIT + DOMAIN_LIMIT + 2];
	struct slice domain = first_domain();
	struct user user;

	if (list->route == TO_TOO_MANY)
		return (say(CANNOT_VERIFY));
	if (list->route != TO_USERS)
		return (refuse_route(list));
	if (list->count == 1 && user_at(list->members[0].place, &user))
		return (show_user(&user));
	if (!is_bare_name(name))	/* it would have to be quoted */
		return (say(CANNOT_VERIFY));
	if (!session.reply_utf8 && !is_ascii(domain))
		return (say(UTF8_NOT_ASKED_FOR));
	snprintf(text, sizeof(text), "%.*s@%.*s", (int)name.length, name.at,
	    (int)domain.length, domain.at);
	return (say_with(MEMBER_IS, text));
}

/* What everything leads to that nobody is called comes after full names. */
static struct answer
verify_name(struct slice name)
{
	const struct expansion *list = expand(name);
	struct user user;

	if (list->route != TO_NOBODY && !list->is_caught)
		return (verify_route(list, name));
	switch (find_by_full_name(name, 0, &user)) {
	case USER_FOUND:
		return (show_user(&user));
	case USER_SEVERAL:
		return (list_candidates(name));
	default:
		return (verify_route(list, name));
	}
}

/* The parameter SMTPUTF8 behind the name (RFC 6531 3.7.4.2). */
static void
take_utf8_parameter(struct slice *text)
{
	static const char parameter[] = " SMTPUTF8";
	size_t length = sizeof(parameter) - 1;
	struct slice end;

	if (text->length <= length)
		return;
	end = (struct slice){ text->at + text->length - length, length };
	if (!equal_fold(end, slice_of(parameter)))
		return;
	session.reply_utf8 = true;
	text->length -= length;
	while (text->length > 0 && text->at[text->length - 1] == ' ')
		text->length--;
}

/* NAME without the <> or the quotes around it. */
static struct slice
take_off_marks(struct slice name)
{
	if (name.length > 2 && (name.at[0] == '"' || name.at[0] == '<') &&
	    name.at[name.length - 1] == (name.at[0] == '"' ? '"' : '>'))
		return ((struct slice){ name.at + 1, name.length - 2 });
	return (name);
}

/*
 * A mailbox, with or without <>, or else a name, perhaps in quotes, is what
 * both commands ask for; ANSWER_NAME says who that is, and where nobody is
 * to know INSTEAD is said.
 */
static struct answer
answer_question(struct slice text,
    struct answer (*answer_name)(struct slice name), enum reply instead)
{
	struct slice mailbox;
	struct path path;

	take_utf8_parameter(&text);
	if (!is_utf8(text))
		return (say_with(SYNTAX, "a name in well-formed UTF-8"));
	if (!session.reply_utf8 && !is_ascii(text))
		return (say(UTF8_NOT_DECLARED));
	if (answer_name == NULL)
		return (say(instead));
	mailbox = text;
	if (parse_path(&mailbox, FORWARD_PATH, &path) != PATH_FINE ||
	    mailbox.length > 0)
		return (answer_name(take_off_marks(text)));
	if (!is_local(&path))
		return (say(NOT_OUR_DOMAIN));
	return (answer_name((struct slice){ path.local_part,
	    path.local_part_length }));
}

struct answer
handle_vrfy(struct slice text)
{
	return (answer_question(text, settings.vrfy ? verify_name : NULL,
	    CANNOT_VERIFY));
}

static bool
may_show_member(const struct member *member)
{
	struct user user;

	if (session.reply_utf8 || member->address.length > 0)
		return (session.reply_utf8 || is_ascii(member->address));
	return (user_at(member->place, &user) && may_show(&user));
}

/* "<address>", or of a user here "Full Name <user@domain>". */
static struct answer
member_answer(const struct member *member)
{
	static LARGE char address[PATH_LIMIT + 1];
	struct user user;

	if (member->address.length == 0 && user_at(member->place, &user))
		return (say_with(USER_IS, user_text(&user)));
	copy_text(address, sizeof(address), member->address);
	return (say_with(MEMBER_IS, address));
}

/*
 * The mailboxes of a list, one a line (RFC 5321 3.5.1).  What RCPT refuses
 * it for is not among them, and never shown.
 */
static struct answer
expand_name(struct slice name)
{
	const struct expansion *list = expand(name);
	struct answer answer;
	size_t i;

	if (list->count == 0 || list->route == TO_UNREAD_ALIASES)
		return (refuse_route(list));
	if (list->route == TO_TOO_MANY)
		return (say(LIST_FAULT));
	for (i = 0; i < list->count; i++)
		if (!may_show_member(&list->members[i]))
			return (say(UTF8_NOT_ASKED_FOR));
	for (i = 0; i + 1 < list->count; i++) {
		answer = member_answer(&list->members[i]);
		put_line(answer.reply, answer.argument);
	}
	return (member_answer(&list->members[i]));
}

struct answer
handle_expn(struct slice text)
{
	return (answer_question(text, settings.expn ? expand_name : NULL,
	    CANNOT_EXPAND));
}

/* SPDX-License-Identifier: ISC */
#include "questions.h"

#include "settings.h"
#include "users.h"

#include <stdio.h>

#define CANDIDATES	10	/* that VRFY lists of an ambiguous name */

/* The first domain that we serve. */
static struct slice
own_domain(void)
{
	struct slice list = slice_of(settings.domains), domain;

	if (!next_word(&list, &domain) ||
	    equal_fold(domain, slice_of("hostname")))
		return (slice_of(settings.hostname));
	return (domain);
}

/* Can the client have the address of this user?  The full name may do without. */
static bool
may_show(const struct user *user)
{
	return (session.reply_utf8 ||
	    (is_ascii(user->name) && is_ascii(own_domain())));
}

/* "Full Name <user@domain>". */
static const char *
user_text(const struct user *user)
{
	static char text[REPLY_LINE_LIMIT];
	struct slice domain = own_domain();
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

static struct answer
verify_name(struct slice name)
{
	struct slice detail;
	struct user user;

	switch (find_recipient(name, &user, &detail)) {
	case USER_FOUND:
		return (show_user(&user));
	case USERS_UNKNOWN:
		return (say(USERS_UNREADABLE));
	default:
		break;
	}
	switch (find_by_full_name(name, 0, &user)) {
	case USER_FOUND:
		return (show_user(&user));
	case USER_SEVERAL:
		return (list_candidates(name));
	default:
		return (say(NO_SUCH_USER));
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

/* A mailbox, with or without <>, or else a name, perhaps in quotes. */
struct answer
handle_vrfy(struct slice text)
{
	struct slice mailbox;
	struct path path;

	take_utf8_parameter(&text);
	if (!is_utf8(text))
		return (say_with(SYNTAX, "VRFY with well-formed UTF-8"));
	if (!session.reply_utf8 && !is_ascii(text))
		return (say(UTF8_NOT_DECLARED));
	if (!settings.vrfy)
		return (say(CANNOT_VERIFY));
	mailbox = text;
	if (parse_path(&mailbox, FORWARD_PATH, &path) == PATH_FINE &&
	    mailbox.length == 0) {
		if (!is_local(&path))
			return (say(NOT_OUR_DOMAIN));
		return (verify_name((struct slice){ path.local_part,
		    path.local_part_length }));
	}
	if (text.length > 2 && (text.at[0] == '"' || text.at[0] == '<') &&
	    text.at[text.length - 1] == (text.at[0] == '"' ? '"' : '>')) {
		text.at++;
		text.length -= 2;
	}
	return (verify_name(text));
}

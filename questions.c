/* SPDX-License-Identifier: ISC */
#include "questions.h"

#include "settings.h"
#include "users.h"

#include <stdio.h>

#define CANDIDATES	10	/* that VRFY lists of an ambiguous name */

/* "Full Name <user@domain>", the domain being the first that we serve. */
static const char *
user_text(const struct user *user)
{
	static char text[REPLY_LINE_LIMIT];
	struct slice list = slice_of(settings.domains), domain;
	char name[128];
	size_t length = full_name(user, name, sizeof(name));

	if (!next_word(&list, &domain) ||
	    equal_fold(domain, slice_of("hostname")))
		domain = slice_of(settings.hostname);
	snprintf(text, sizeof(text), "%s%s<%.*s@%.*s>", name,
	    length > 0 ? " " : "", (int)user->name.length, user->name.at,
	    (int)domain.length, domain.at);
	return (text);
}

/* 553 and whom it may be (RFC 5321 3.5.1). */
static struct answer
list_candidates(struct slice name)
{
	struct user user;
	uint32_t place = 0;
	int i;

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
		return (say_with(USER_IS, user_text(&user)));
	case USERS_UNKNOWN:
		return (say(USERS_UNREADABLE));
	default:
		break;
	}
	switch (find_by_full_name(name, 0, &user)) {
	case USER_FOUND:
		return (say_with(USER_IS, user_text(&user)));
	case USER_SEVERAL:
		return (list_candidates(name));
	default:
		return (say(NO_SUCH_USER));
	}
}

/* A mailbox, with or without <>, or else a name, perhaps in quotes. */
struct answer
handle_vrfy(struct slice text)
{
	struct slice mailbox = text;
	struct path path;

	if (!settings.vrfy)
		return (say(CANNOT_VERIFY));
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

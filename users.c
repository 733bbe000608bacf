/* SPDX-License-Identifier: ISC */
#include "users.h"

#include "map.h"
#include "scan.h"
#include "settings.h"

#include <errno.h>
#include <string.h>

#define FULL_NAME_LIMIT	128
#define PASSWD_FIELDS	7

static struct slice	users;		/* the map */
static bool		users_open;

bool
open_users(const char *path)
{
	struct stat st;

	if (!map_file(path, 0, &st, &users))
		return (false);
	if (users.length > UINT32_MAX) {	/* places would not fit */
		unmap_file(&users);
		errno = EINVAL;
		return (false);
	}
	users_open = true;
	return (true);
}

/* The line at PLACE, which may lack its LF at the end of the file. */
static struct slice
line_at(size_t place)
{
	const char *start = users.at + place, *lf;
	size_t left = users.length - place;

	lf = memchr(start, '\n', left);
	return ((struct slice){ start,
	    lf != NULL ? (size_t)(lf - start) : left });
}

/* False unless the line has as many fields as one of passwd(5). */
static bool
split_fields(struct slice line, struct slice fields[PASSWD_FIELDS])
{
	const char *colon;
	size_t i;

	for (i = 0; i < PASSWD_FIELDS - 1; i++) {
		colon = line.length == 0 ? NULL :
		    memchr(line.at, ':', line.length);
		if (colon == NULL)
			return (false);
		fields[i] = (struct slice){ line.at,
		    (size_t)(colon - line.at) };
		line.at = colon + 1;
		line.length -= fields[i].length + 1;
	}
	fields[i] = line;
	return (true);
}

/*
 * A name becomes part of a path and of a key to search by: no slash, no
 * colon, no blank, no leading dot or sign.
 */
static bool
is_user_name(struct slice name)
{
	size_t i;

	if (name.length == 0 || name.length > USER_NAME_LIMIT ||
	    strchr(".+-#", name.at[0]) != NULL || has_control(name))
		return (false);
	for (i = 0; i < name.length; i++)
		if (strchr("/: ", name.at[i]) != NULL)
			return (false);
	return (true);
}

static bool
parse_account(size_t place, struct user *user)
{
	struct slice fields[PASSWD_FIELDS];
	uint64_t uid, gid;

	if (!split_fields(line_at(place), fields) || !is_user_name(fields[0]) ||
	    !parse_number(fields[2], &uid) || uid >= UINT32_MAX ||
	    !parse_number(fields[3], &gid) || gid >= UINT32_MAX)
		return (false);
	user->place = (uint32_t)place;
	user->name = fields[0];
	user->uid = (uid_t)uid;
	user->gid = (gid_t)gid;
	user->gecos = fields[4];
	user->home = fields[5];
	return (true);
}

bool
user_at(uint32_t place, struct user *user)
{
	return (place < users.length &&
	    (place == 0 || users.at[place - 1] == '\n') &&
	    parse_account(place, user) &&
	    (user->uid == 0 || user->uid >= settings.min_uid));
}

/* Where the line that starts with NAME and a colon is. */
static const char *
search_name(struct slice name)
{
	char key[USER_NAME_LIMIT + 2];
	const char *found;

	key[0] = '\n';
	memcpy(key + 1, name.at, name.length);
	key[name.length + 1] = ':';
	if (users.length > name.length &&
	    memcmp(users.at, key + 1, name.length + 1) == 0)
		return (users.at);
	found = find_text(users.at, users.length, key, name.length + 2);
	return (found == NULL ? NULL : found + 1);
}

bool
find_account(struct slice name, struct user *user)
{
	const char *line;

	if (!users_open || users.length == 0 || !is_user_name(name))
		return (false);
	line = search_name(name);
	return (line != NULL && parse_account((size_t)(line - users.at), user));
}

static bool
find_exactly(struct slice name, struct user *user)
{
	return (find_account(name, user) && user_at(user->place, user));
}

enum lookup
find_user(struct slice name, struct user *user)
{
	char low[USER_NAME_LIMIT];
	size_t i;

	if (!users_open)
		return (USERS_UNKNOWN);
	if (name.length > USER_NAME_LIMIT)
		return (USER_NONE);
	if (find_exactly(name, user))
		return (USER_FOUND);
	for (i = 0; i < name.length; i++)
		low[i] = lower(name.at[i]);
	if (memcmp(low, name.at, name.length) == 0 ||
	    !find_exactly((struct slice){ low, name.length }, user))
		return (USER_NONE);
	return (USER_FOUND);
}

uint32_t
next_place(const struct user *user)
{
	size_t next = user->place + line_at(user->place).length + 1;

	return ((uint32_t)(next < users.length ? next : users.length));
}

size_t
full_name(const struct user *user, char *buffer, size_t size)
{
	size_t i, j, n = 0;
	char c;

	for (i = 0; i < user->gecos.length && n + 1 < size; i++) {
		c = user->gecos.at[i];
		if (c == ',')
			break;
		if (c != '&') {
			buffer[n++] = c;
			continue;
		}
		for (j = 0; j < user->name.length && n + 1 < size; j++) {
			c = user->name.at[j];
			buffer[n++] = j == 0 && c >= 'a' && c <= 'z' ?
			    (char)(c - ('a' - 'A')) :
			    c;
		}
	}
	buffer[n] = '\0';
	return (n);
}

/* Is NAME the user's full name, or the last word of it? */
static bool
has_full_name(const struct user *user, struct slice name)
{
	char buffer[FULL_NAME_LIMIT];
	struct slice full = { buffer, full_name(user, buffer, sizeof(buffer)) };
	size_t before;

	if (name.length == 0 || name.length > full.length)
		return (false);
	before = full.length - name.length;
	if (before > 0 &&
	    (buffer[before - 1] != ' ' ||
	    memchr(name.at, ' ', name.length) != NULL))
		return (false);
	return (equal_fold(name,
	    (struct slice){ buffer + before, name.length }));
}

enum lookup
find_by_full_name(struct slice name, uint32_t place, struct user *user)
{
	struct user one;
	enum lookup found = USER_NONE;
	size_t next;

	if (!users_open)
		return (USERS_UNKNOWN);
	for (next = place; next < users.length;
	    next += line_at(next).length + 1) {
		if (!user_at((uint32_t)next, &one) ||
		    !has_full_name(&one, name))
			continue;
		if (found == USER_FOUND)
			return (USER_SEVERAL);
		*user = one;
		found = USER_FOUND;
	}
	return (found);
}

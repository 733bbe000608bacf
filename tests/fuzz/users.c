/* SPDX-License-Identifier: ISC */
/*
 * sources: parse.c
 * broken: users.c s/(place == 0 || users.at\[place - 1\] == .*)/true/
 * broken: users.c s/i < PASSWD_FIELDS - 1/i < PASSWD_FIELDS/
 * broken: scan.h s/_mm_set1_epi8(text\[length - 2\])/_mm_set1_epi8(text[length - 1])/
 */
/* The passwd reader: the input is the file, and its lines are asked for. */
#include "../../users.c"

#include <stdlib.h>

int	LLVMFuzzerTestOneInput(const uint8_t *octets, size_t size);

struct settings settings;

/* What open_users() needs, which is not called here. */
bool
map_file(const char *path, int flags, struct stat *st, struct slice *text)
{
	(void)path;
	(void)flags;
	(void)st;
	(void)text;
	abort();
}

void
unmap_file(struct slice *text)
{
	(void)text;
	abort();
}

static void
need(bool holds)
{
	if (!holds)
		abort();
}

/* The start of the first line that begins with NAME and a colon. */
static const char *
search_slowly(struct slice name)
{
	struct slice line;
	size_t at;

	for (at = 0; at < users.length; at += line.length + 1) {
		line = line_at(at);
		if (line.length > name.length &&
		    memcmp(line.at, name.at, name.length) == 0 &&
		    line.at[name.length] == ':')
			return (line.at);
	}
	return (NULL);
}

static void
try_user(const struct user *user)
{
	char buffer[FULL_NAME_LIMIT];
	struct user found;
	size_t i, length = user->name.length;

	need(length > 0 && length <= USER_NAME_LIMIT);
	for (i = 0; i < length; i++)
		need(user->name.at[i] != '/' && user->name.at[i] != ':' &&
		    (unsigned char)user->name.at[i] > ' ');
	need(user->name.at[0] != '.');
	need(user->uid == 0 || user->uid >= settings.min_uid);
	need(next_place(user) > user->place);
	need(search_name(user->name) == search_slowly(user->name));
	need(full_name(user, buffer, sizeof(buffer)) < sizeof(buffer));
	/* It may be another, since the first line of a name counts. */
	if (find_user(user->name, &found) == USER_FOUND)
		need(equal_fold(found.name, user->name));
	need(find_by_full_name((struct slice){ buffer, strlen(buffer) }, 0,
	    &found) != USERS_UNKNOWN);
}

int
LLVMFuzzerTestOneInput(const uint8_t *octets, size_t size)
{
	char *copy = malloc(size);
	struct user user;
	uint32_t place;

	if (size == 0 || size > 4096) {
		free(copy);
		return (0);
	}
	memcpy(copy, octets, size);
	users = (struct slice){ copy, size };
	users_open = true;
	settings.min_uid = octets[0] % 2 ? 0 : 1000;
	for (place = 0; place <= size; place++)
		if (user_at(place, &user)) {
			need(user.place == place);
			need(place == 0 || copy[place - 1] == '\n');
			try_user(&user);
		}
	free(copy);
	return (0);
}

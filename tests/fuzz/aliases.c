/* SPDX-License-Identifier: ISC */
/*
 * sources: parse.c
 * broken: aliases.c s/entry.length - is_final/entry.length/
 * broken: aliases.c s/n < list->left.length \&\& at.n. != '.n'/at[n] != '\\n'/
 */
/*
 * The aliases reader.  The input is the aliases file, then behind a NUL a
 * file that every :include: names; each name in it is asked for.
 */
#include "../../aliases.c"

#include <stdlib.h>

int	LLVMFuzzerTestOneInput(const uint8_t *octets, size_t size);

struct settings settings = { .recipient_delimiter = "+" };

static struct slice	file, included;
static unsigned int	maps;

static void
need(bool holds)
{
	if (!holds)
		abort();
}

/* Each include is a file of its own, as long as there are not too many. */
bool
map_file(const char *path, int flags, struct stat *st, struct slice *text)
{
	need(path[0] == '/' || flags == 0);
	memset(st, 0, sizeof(*st));
	st->st_ino = flags == 0 ? 1 : 2 + (ino_t)(strlen(path) % 3);
	*text = maps++ == 0 ? file : included;
	return (true);
}

void
unmap_file(struct slice *text)
{
	*text = (struct slice){ NULL, 0 };
}

/* Who is at PLACE n has one letter n, and root is 0. */
enum lookup
find_user(struct slice name, struct user *user)
{
	memset(user, 0, sizeof(*user));
	if (name.length == 1 && name.at[0] >= 'a' && name.at[0] <= 'd')
		user->place = (uint32_t)(unsigned char)name.at[0];
	else if (!equal_fold(name, TEXT("root")))
		return (USER_NONE);
	return (USER_FOUND);
}

bool
is_our_address(const struct address *address)
{
	return (address->octets[0] == 127);
}

bool
is_our_domain(struct slice name)
{
	return (equal_fold(name, TEXT("here")));
}

static bool
is_a_user(uint32_t place)
{
	return (place == 0 || (place >= 'a' && place <= 'd'));
}

static void
try_name(struct slice name)
{
	const struct expansion *got;
	size_t i;

	if (name.length == 0 || name.length > LOCAL_PART_LIMIT)
		return;
	got = expand(name);
	need(got->count <= MOST_RECIPIENTS);
	if (got->route == TO_USERS) {
		need(got->count > 0);
		for (i = 0; i < got->count; i++)
			need(got->members[i].address.length == 0 &&
			    is_a_user(got->members[i].place));
	}
	need(got->route != TO_ELSEWHERE || got->count == 1);
	need(got->route != TO_FAULT || got->reason != NULL);
	if (equal_fold(name, TEXT("root")) ||
	    equal_fold(name, TEXT("postmaster")))
		need(got->route == TO_USERS);
}

/* Every line's beginning as a name. */
static void
try_lines(struct slice text)
{
	size_t at = 0, n, tries = 0;

	while (at < text.length && tries++ < 16) {
		for (n = 0; at + n < text.length && text.at[at + n] != ':' &&
		    text.at[at + n] != '\n'; n++)
			;
		try_name((struct slice){ text.at + at, n });
		while (at < text.length && text.at[at] != '\n')
			at++;
		at++;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *octets, size_t size)
{
	const uint8_t *nul = size == 0 ? NULL : memchr(octets, '\0', size);
	size_t length = nul == NULL ? size : (size_t)(nul - octets), i = 0;
	size_t rest = nul == NULL ? 0 : size - length - 1;
	char *first = malloc(length), *second = malloc(rest);
	struct slice entry;
	const char *reason;

	memcpy(first, octets, length);
	if (rest > 0)
		memcpy(second, nul + 1, rest);
	file = (struct slice){ first, length };
	included = (struct slice){ second, rest };
	memset(includes, 0, sizeof(includes));
	include_count = list_count = maps = 0;
	aliases = (struct slice){ NULL, 0 };
	if (length > 0) {
		need(open_aliases("/x"));
		while (next_bad_include(&i, &entry, &reason))
			need(reason != NULL);
		try_lines(file);
		try_name(TEXT("root"));
		try_name(TEXT("Postmaster"));
		try_name(TEXT("a+b"));
	}
	free(first);
	free(second);
	return (0);
}

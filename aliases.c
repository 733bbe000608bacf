/* SPDX-License-Identifier: ISC */
#include "aliases.h"

#include "map.h"
#include "pages.h"
#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#define MOST_LISTS	1000	/* that one name leads over */
#define MOST_INCLUDES	256	/* files that are named in all */
/* Each may cost a pass over the file; some may say the same. */
#define MOST_ENTRIES	(2 * MOST_RECIPIENTS)

#define MARK		":include:"
#define MARK_LENGTH	(sizeof(MARK) - 1)

static struct slice	aliases;	/* the map */
static struct stat	aliases_stat;
static bool		aliases_known;

/* An entry that names a file.  One that several name is mapped once. */
static LARGE struct include {
	struct slice	entry;		/* from its MARK on */
	struct slice	text;
	dev_t		device;
	ino_t		inode;
	bool		is_again;	/* mapped for an earlier entry */
	bool		is_unread;	/* it may be well tomorrow */
	const char	*fault;		/* why it is not believed, or NULL */
} includes[MOST_INCLUDES];
static size_t		include_count;

/* What is left of a list, and whether a line begins here. */
struct cursor {
	struct slice	left;
	bool		at_line;
};

/* The lists that a name leads over, each once, and which named them. */
static LARGE struct list {
	struct cursor	start;
	size_t		parent;
} lists[MOST_LISTS];
static size_t		list_count;
static size_t		entry_count;

static LARGE struct expansion found;

/* ------------------------------------------------------------- the files */

static const char *
end_of(struct slice text)
{
	return (text.at + text.length);
}

/* The LF at AT or behind it, or END. */
static const char *
find_line_end(const char *at, const char *end)
{
	const char *lf = at == end ? NULL :
				     memchr(at, '\n', (size_t)(end - at));

	return (lf != NULL ? lf : end);
}

static bool
is_blank(char c)
{
	return (c == ' ' || c == '\t' || c == '\r');
}

/* The entry of TEXT whose MARK is at AT, which is in quotes or is not. */
static struct slice
find_include_entry(struct slice text, const char *at)
{
	const char *stop = at;
	char last = at > text.at && at[-1] == '"' ? '"' : ',';

	while (stop < end_of(text) && *stop != last && *stop != '\n')
		stop++;
	while (is_blank(stop[-1]))
		stop--;
	return ((struct slice){ at, (size_t)(stop - at) });
}

/* The path that ENTRY names, as a string; false if it is none. */
static bool
copy_path(struct slice entry, char path[PATH_MAX])
{
	const char *at = entry.at + MARK_LENGTH, *stop = end_of(entry);

	while (at < stop && is_blank(*at))
		at++;
	if (at == stop || *at != '/' || stop - at >= PATH_MAX ||
	    memchr(at, '\0', (size_t)(stop - at)) != NULL)
		return (false);
	memcpy(path, at, (size_t)(stop - at));
	path[stop - at] = '\0';
	return (true);
}

/*
 * Whoever can write a list says who gets mail for it, and this is read as
 * root: so no link, which could lead to what others may not read.
 */
static const char *
find_include_fault(const struct stat *st)
{
	if (st->st_uid != 0 && st->st_uid != aliases_stat.st_uid)
		return ("the file belongs to somebody else");
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return ("others can write to the file");
	return (NULL);
}

/* The file that is mapped already, or NULL; its map is the same then. */
static const struct include *
find_same_file(const struct include *include)
{
	const struct include *other;

	for (other = includes; other < include; other++)
		if (other->text.length > 0 && other->inode == include->inode &&
		    other->device == include->device)
			return (other);
	return (NULL);
}

static void
open_include(struct include *include, const char *path)
{
	const struct include *other;
	struct stat st;

	if (!map_file(path, O_NOFOLLOW, &st, &include->text)) {
		include->is_unread = errno != EINVAL && errno != ELOOP;
		include->fault = include->is_unread ?
		    "the file cannot be read" :
		    "it is no regular file";
		return;
	}
	include->fault = find_include_fault(&st);
	include->device = st.st_dev;
	include->inode = st.st_ino;
	other = find_same_file(include);
	if (include->fault == NULL && other == NULL)
		return;
	unmap_file(&include->text);
	include->is_again = other != NULL;
	if (include->fault == NULL)
		include->text = other->text;
}

/*
 * Map what the entries of TEXT name.  One in a comment is no entry; one in
 * any other place where it is none does no harm, since nobody asks for it.
 */
static void
open_includes(struct slice text)
{
	const char *end = end_of(text), *at = text.at, *line;
	char path[PATH_MAX];
	struct include *include;

	for (; include_count < MOST_INCLUDES; at += MARK_LENGTH) {
		at = memmem(at, (size_t)(end - at), MARK, MARK_LENGTH);
		if (at == NULL)
			return;
		line = memrchr(text.at, '\n', (size_t)(at - text.at));
		line = line != NULL ? line + 1 : text.at;
		while (is_blank(*line))
			line++;
		if (*line == '#') {
			at = find_line_end(at, end) - MARK_LENGTH;
			continue;
		}
		include = &includes[include_count++];
		include->entry = find_include_entry(text, at);
		if (copy_path(include->entry, path))
			open_include(include, path);
		else
			include->fault = "it names no file";
	}
}

bool
open_aliases(const char *path)
{
	size_t i;

	if (path[0] != '\0' && !map_file(path, 0, &aliases_stat, &aliases) &&
	    errno != ENOENT)
		return (false);
	aliases_known = true;
	if (aliases.length > 0)
		open_includes(aliases);
	for (i = 0; i < include_count; i++)
		if (!includes[i].is_again && includes[i].text.length > 0)
			open_includes(includes[i].text);
	return (true);
}

bool
aliases_are_open_to_others(void)
{
	return ((aliases_stat.st_mode & (S_IWGRP | S_IWOTH)) != 0);
}

bool
next_bad_include(size_t *i, struct slice *entry, const char **reason)
{
	while (*i < include_count && includes[*i].fault == NULL)
		(*i)++;
	if (*i == include_count)
		return (false);
	*entry = includes[*i].entry;
	*reason = includes[(*i)++].fault;
	return (true);
}

/* ------------------------------------------------------------- the names */

bool
is_bare_name(struct slice text)
{
	size_t i;

	if (text.length == 0 || text.length > LOCAL_PART_LIMIT ||
	    has_control(text))
		return (false);
	for (i = 0; i < text.length; i++)
		if (strchr(" \"(),:;<>@[\\]", text.at[i]) != NULL)
			return (false);
	return (true);
}

/* Is LINE, in quotes, that of NAME?  TEXT is what stands behind its colon. */
static bool
begins_quoted(struct slice line, struct slice name, const char **text)
{
	size_t i = 1, n = 0;

	for (; i < line.length && line.at[i] != '"'; i++, n++) {
		if (line.at[i] == '\\' && i + 1 < line.length)
			i++;
		if (n == name.length || lower(line.at[i]) != lower(name.at[n]))
			return (false);
	}
	if (n != name.length)
		return (false);
	for (i++; i < line.length && is_blank(line.at[i]); i++)
		;
	*text = line.at + i + 1;
	return (i < line.length && line.at[i] == ':');
}

static bool
begins_plain(struct slice line, struct slice name, const char **text)
{
	const char *colon = memchr(line.at, ':', line.length), *end = colon;

	if (colon == NULL || line.at[0] == '#' || is_blank(line.at[0]))
		return (false);
	while (end > line.at && is_blank(end[-1]))
		end--;
	*text = colon + 1;
	return (equal_fold(name,
	    (struct slice){ line.at, (size_t)(end - line.at) }));
}

/*
 * The end of the list that begins at AT: lines that begin with a blank go
 * on with it, and lines that say nothing, or comment, are passed over.
 */
static const char *
find_list_end(const char *at, const char *end)
{
	do
		at = find_line_end(at, end);
	while (at != end && ++at != end &&
	    (is_blank(*at) || *at == '#' || *at == '\n'));
	return (at);
}

/*
 * The list of the alias NAME, in any case; the first of that name counts.
 * This is one pass over the file, which looks at the first octet of a line
 * and at no more where that differs.
 */
static bool
find_alias(struct slice name, struct cursor *list)
{
	const char *at = aliases.at, *end = end_of(aliases), *next, *text;
	char first = lower(name.at[0]);
	struct slice line;

	for (; at < end; at = next + 1) {
		next = find_line_end(at, end);
		if (lower(*at) != first && *at != '"')
			continue;
		line = (struct slice){ at, (size_t)(next - at) };
		if (*at == '"' ? begins_quoted(line, name, &text) :
				 begins_plain(line, name, &text)) {
			list->left = (struct slice){ text,
			    (size_t)(find_list_end(text, end) - text) };
			list->at_line = false;
			return (true);
		}
	}
	return (false);
}

static void
advance_list(struct cursor *list, size_t n)
{
	list->left.at += n;
	list->left.length -= n;
}

/* Past what parts entries, and past lines that comment. */
static void
skip_to_entry(struct cursor *list)
{
	const struct slice *left = &list->left;

	while (left->length > 0) {
		if (left->at[0] == '\n')
			list->at_line = true;
		else if (list->at_line && left->at[0] == '#')
			advance_list(list,
			    (size_t)(find_line_end(left->at, end_of(*left)) -
				left->at - 1));
		else if (left->at[0] != ',' && !is_blank(left->at[0]))
			break;
		advance_list(list, 1);
	}
}

/*
 * The next entry of a list, as it stands there.  Commas part them, and line
 * ends, which also end a quote: then it is not *CLOSED.
 */
static bool
next_entry(struct cursor *list, struct slice *entry, bool *closed)
{
	const char *at;
	size_t n;

	skip_to_entry(list);
	*closed = true;
	at = list->left.at;
	for (n = 0; n < list->left.length && at[n] != '\n'; n++) {
		if (at[n] == ',' && *closed)
			break;
		if (at[n] == '"')
			*closed = !*closed;
		else if (at[n] == '\\' && n + 1 < list->left.length &&
		    at[n + 1] != '\n')
			n++;
	}
	*entry = (struct slice){ at, n };
	advance_list(list, n);
	list->at_line = false;
	while (entry->length > 0 && is_blank(entry->at[entry->length - 1]))
		entry->length--;
	return (n > 0);
}

/* ------------------------------------------------------------- expanding */

enum name_kind { IS_ALIAS, IS_USER, IS_NOBODY };

struct named {
	enum name_kind	kind;
	struct cursor	list;
	struct user	user;
	struct slice	detail;
	bool		is_caught;
};

/* NAME without the recipient-delimiter and what follows; false without it. */
static bool
cut_detail(struct slice name, struct slice *base, struct slice *detail)
{
	char delimiter = settings.recipient_delimiter[0];
	const char *cut = memchr(name.at, delimiter, name.length);

	*base = name;
	*detail = (struct slice){ name.at, 0 };
	if (delimiter == '\0' || cut == NULL || cut == name.at)
		return (false);
	base->length = (size_t)(cut - name.at);
	*detail = (struct slice){ cut + 1, name.length - base->length - 1 };
	return (true);
}

static bool
find_name(struct slice name, struct named *named)
{
	if (find_alias(name, &named->list))
		named->kind = IS_ALIAS;
	else if (find_user(name, &named->user) == USER_FOUND)
		named->kind = IS_USER;
	else
		return (false);
	return (true);
}

/* Whom NAME means, in the order that in.smtpd(8) tells. */
static void
resolve(struct slice name, struct named *named)
{
	struct slice base, none = { name.at, 0 };

	named->detail = none;
	named->is_caught = false;
	if (find_name(name, named))
		return;
	if (cut_detail(name, &base, &named->detail) && find_name(base, named))
		return;
	named->detail = none;
	if (equal_fold(base, TEXT("postmaster")) &&
	    find_name(TEXT("root"), named))
		return;
	named->is_caught = find_alias(TEXT("*"), &named->list);
	named->kind = named->is_caught ? IS_ALIAS : IS_NOBODY;
}

/* The user NAME, whatever the aliases say. */
static bool
resolve_user(struct slice name, struct user *user)
{
	struct slice base, detail;

	return (find_user(name, user) == USER_FOUND ||
	    (cut_detail(name, &base, &detail) &&
		find_user(base, user) == USER_FOUND));
}

/* The first that stands against it is what the log tells. */
static void
object(struct slice entry, const char *reason)
{
	if (found.reason != NULL)
		return;
	found.culprit = entry;
	found.reason = reason;
}

static void
add_member(const struct member *member)
{
	const struct member *other = found.members;

	for (; other < found.members + found.count; other++)
		if (other->place == member->place &&
		    equal_fold(other->address, member->address))
			return;
	if (found.count == MOST_RECIPIENTS) {
		found.route = TO_TOO_MANY;
		return;
	}
	found.members[found.count++] = *member;
}

static void
add_user(const struct user *user)
{
	add_member(&(struct member){ user->place, { "", 0 } });
}

/* Is the list at AT the one of number I, or one that leads to it? */
static bool
leads_back(const char *at, size_t i)
{
	for (; lists[i].start.left.at != at; i = lists[i].parent)
		if (i == 0)
			return (false);
	return (true);
}

static void
add_list(const struct cursor *start, struct slice entry, size_t parent)
{
	size_t i;

	for (i = 0; i < list_count; i++)
		if (lists[i].start.left.at == start->left.at)
			return;
	if (list_count == MOST_LISTS)
		object(entry, "it leads over too many lists");
	else
		lists[list_count++] = (struct list){ *start, parent };
}

static void
take_include(struct slice entry, const char *mark, size_t parent)
{
	const struct include *include = includes;
	struct cursor start = { { "", 0 }, true };

	while (include < includes + include_count && include->entry.at != mark)
		include++;
	if (include == includes + include_count) {
		object(entry, "there are too many files to include");
		return;
	}
	if (include->is_unread)
		found.route = TO_UNREAD_ALIASES;
	start.left = include->text;
	if (include->fault != NULL)
		object(entry, include->fault);
	else if (leads_back(start.left.at, parent))
		object(entry, "it leads back to itself");
	else
		add_list(&start, entry, parent);
}

/* A name within its own list is the user (as with sendmail and Postfix). */
static void
take_name(struct slice entry, struct slice name, size_t parent)
{
	struct named named;

	resolve(name, &named);
	if (named.kind == IS_USER)
		add_user(&named.user);
	else if (named.kind == IS_NOBODY)
		object(entry, "nobody is called so");
	else if (!leads_back(named.list.left.at, parent))
		add_list(&named.list, entry, parent);
	else if (resolve_user(name, &named.user))
		add_user(&named.user);
	else
		object(entry, "it leads back to itself");
}

/* A name, an address, or one behind a full name: Joe <joe@domain>. */
static bool
parse_address(struct slice text, struct path *path)
{
	const char *open = NULL;
	enum path_fault fault;

	if (text.length > 0 && text.at[text.length - 1] == '>')
		open = memrchr(text.at, '<', text.length);
	if (open != NULL)
		text = (struct slice){ open + 1,
			(size_t)(end_of(text) - open) - 2 };
	if (is_bare_name(text)) {
		memset(path, 0, sizeof(*path));
		memcpy(path->local_part, text.at, text.length);
		path->local_part_length = text.length;
		return (true);
	}
	fault = parse_path(&text, FORWARD_PATH, path);
	return (text.length == 0 &&
	    (fault == PATH_FINE || fault == PATH_NO_DOMAIN));
}

static void
take_address(struct slice entry, size_t parent)
{
	bool is_final = entry.at[0] == '\\';	/* \joe is the user joe */
	struct slice text = { entry.at + is_final, entry.length - is_final };
	struct path path;
	struct slice name;
	struct user user;

	if (!parse_address(text, &path)) {
		object(entry, "it is no address");
		return;
	}
	name = (struct slice){ path.local_part, path.local_part_length };
	if (!is_local(&path)) {
		add_member(&(struct member){ 0, path.mailbox });
	} else if (!is_final) {
		take_name(entry, name, parent);
	} else if (resolve_user(name, &user)) {
		add_user(&user);
	} else {
		object(entry, "there is no such user");
	}
}

static void
take_entry(struct slice entry, size_t parent)
{
	const char *at = entry.at;
	size_t left = entry.length;

	if (*at == '"' && left > 1) {
		at++;
		left--;
	}
	if (*at == '|')
		object(entry, "it is a command, and none is run");
	else if (*at == '/')
		object(entry, "it is a file, and none is written to");
	else if (left >= MARK_LENGTH && memcmp(at, MARK, MARK_LENGTH) == 0)
		take_include(entry, at, parent);
	else
		take_address(entry, parent);
}

static void
walk_lists(void)
{
	struct cursor cursor;
	struct slice entry;
	bool closed;
	size_t i;

	for (i = 0; i < list_count; i++) {
		cursor = lists[i].start;
		while (next_entry(&cursor, &entry, &closed)) {
			if (++entry_count > MOST_ENTRIES)
				found.route = TO_TOO_MANY;
			else if (closed)
				take_entry(entry, i);
			else
				object(entry, "its quote is not closed");
			if (found.route == TO_TOO_MANY) {
				object(entry, "there are too many members");
				return;
			}
		}
	}
}

/* The first member who is elsewhere, or NULL. */
static const struct member *
find_elsewhere(void)
{
	const struct member *member;

	for (member = found.members; member < found.members + found.count;
	    member++)
		if (member->address.length > 0)
			return (member);
	return (NULL);
}

/* What follows from the members, and from what stands against them. */
static void
decide(struct slice name)
{
	const struct member *other = find_elsewhere();

	if (found.route != TO_USERS)
		return;
	if (other != NULL && found.count == 1 && found.reason == NULL) {
		found.route = TO_ELSEWHERE;
		return;
	}
	if (other != NULL)
		object(other->address, "it is elsewhere, and not alone");
	if (found.count == 0)
		object(name, "it leads to nobody");
	if (found.reason != NULL)
		found.route = TO_FAULT;
}

/* Where NAME may not be refused, root's mailbox is the last resort. */
static void
lead_to_root(struct slice name)
{
	struct slice base, detail;
	struct user root;

	cut_detail(name, &base, &detail);
	if (found.route == TO_USERS || found.route == TO_UNREAD_ALIASES ||
	    (!equal_fold(base, TEXT("postmaster")) &&
		!equal_fold(base, TEXT("root"))) ||
	    find_user(TEXT("root"), &root) != USER_FOUND)
		return;
	if (found.route == TO_ELSEWHERE)
		object(found.members[0].address, "it is elsewhere");
	found.route = TO_USERS;
	found.count = 0;
	add_user(&root);
}

/* NAME leads to what it means, and on from there. */
static void
follow(struct slice name)
{
	struct named named;

	resolve(name, &named);
	found.is_caught = named.is_caught;
	switch (named.kind) {
	case IS_ALIAS:
		lists[0] = (struct list){ named.list, 0 };
		list_count = 1;
		walk_lists();
		decide(name);
		break;
	case IS_USER:
		found.detail = named.detail;
		add_user(&named.user);
		break;
	case IS_NOBODY:
		found.route = TO_NOBODY;
		break;
	}
}

const struct expansion *
expand(struct slice local_part)
{
	struct user any;

	found.route = TO_USERS;
	found.count = 0;
	found.detail = (struct slice){ local_part.at, 0 };
	found.is_caught = false;
	found.reason = NULL;
	entry_count = 0;
	if (find_user((struct slice){ "", 0 }, &any) == USERS_UNKNOWN) {
		found.route = TO_UNREAD_USERS;
	} else if (!aliases_known) {
		found.route = TO_UNREAD_ALIASES;
	} else {
		follow(local_part);
		lead_to_root(local_part);
	}
	return (&found);
}

bool
is_local(const struct path *path)
{
	if (path->literal.family != 0)
		return (is_our_address(&path->literal));
	return (path->domain.length == 0 || is_our_domain(path->domain));
}

/* SPDX-License-Identifier: ISC */
/*
 * Who is local.  The passwd file is mapped once, before the fork, and read
 * directly, never through NSS, so that a static program in a chroot sees
 * the same users.  A user is known by his place, the offset of his line in
 * the map, which is all that crosses from the session to the deliverer.
 *
 * A place is good only if it is the start of a line that is a user's:
 * seven fields, a name that can be a file's, a numeric uid and gid, and an
 * uid that is 0 or at least min-uid.
 */
#ifndef USERS_H
#define USERS_H

#include "parse.h"

#include <sys/types.h>

/* The longest user name; useradd(8) takes 32, others more. */
#define USER_NAME_LIMIT	64

struct user {
	uint32_t	place;
	struct slice	name;
	uid_t		uid;
	gid_t		gid;
	struct slice	gecos;
	struct slice	home;
};

enum lookup { USER_FOUND, USER_NONE, USER_SEVERAL, USERS_UNKNOWN };

/* Map the passwd file; false with errno if it cannot be read. */
bool	open_users(const char *path);

/* The user whose line starts at PLACE; false if there is none. */
bool	user_at(uint32_t place, struct user *user);

/*
 * The account called NAME, exactly, whatever its uid: for the user setting.
 */
bool	find_account(struct slice name, struct user *user);

/*
 * The user called NAME: exactly so, or else in lower case.  USERS_UNKNOWN:
 * the file could not be read.
 */
enum lookup find_user(struct slice name, struct user *user);

/*
 * The user that VRFY asks for by his full name or surname, any case; the
 * first one, and USER_SEVERAL, if it fits more.  To list them start with
 * PLACE 0 and go on from next_place(user).
 */
enum lookup
find_by_full_name(struct slice name, uint32_t place, struct user *user);
uint32_t next_place(const struct user *user);

/*
 * The user's full name: the first part of GECOS with & expanded (passwd(5)).
 * BUFFER, of SIZE octets, gets it as a string; returns its length.
 */
size_t	full_name(const struct user *user, char *buffer, size_t size);

#endif

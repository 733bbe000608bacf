/* SPDX-License-Identifier: ISC */
/*
 * To whom a local part leads: over aliases and lists, as sendmail's
 * aliases(5) has them, down to users of this host and addresses elsewhere.
 *
 * The aliases file and the files that its entries :include: are mapped
 * before the fork, and read only as far as a name is asked for; nothing of
 * them is kept but where they are.  An included file is believed only if
 * nobody but root and the owner of the aliases file can have written it.
 */
#ifndef ALIASES_H
#define ALIASES_H

#include "settings.h"
#include "users.h"

enum route {
	TO_USERS,		/* every member is a user here */
	TO_NOBODY,		/* neither alias nor user */
	TO_ELSEWHERE,		/* to one address, at another host */
	TO_FAULT,		/* an alias that cannot be followed */
	TO_TOO_MANY,		/* more members than a message may have */
	TO_UNREAD_USERS,	/* files that could not be read, so that */
	TO_UNREAD_ALIASES	/* nobody knows */
};

/* A user, or where an address is given, somebody elsewhere. */
struct member {
	uint32_t	place;
	struct slice	address;	/* as in a path, without <> */
};

struct expansion {
	enum route	route;
	struct member	members[MOST_RECIPIENTS];	/* each once */
	size_t		count;
	struct slice	detail;		/* of joe+detail, unless joe is an alias */
	bool		is_caught;	/* by the alias * */
	struct slice	culprit;	/* the entry that stands against it */
	const char	*reason;	/* and why, for the log, or NULL */
};

/*
 * Map the file at PATH, if there is one; "" is none.  False with errno if
 * it is there and cannot be read: then every route is TO_UNREAD_ALIASES.
 */
bool	open_aliases(const char *path);

/*
 * Can somebody besides its owner write to the aliases file?  And the next
 * entry, counted by *I from 0, that names a file which is not believed, and
 * why; false if there is no other.
 */
bool	aliases_are_open_to_others(void);
bool next_bad_include(size_t *i, struct slice *entry, const char **reason);

/*
 * Where mail for LOCAL_PART goes.  An alias goes before a user, the whole
 * name before what stands in front of the recipient-delimiter, and only
 * then comes the alias *.  A name within its own expansion is the user, and
 * so is \user.  Postmaster goes where root goes if nobody is called so, and
 * whatever the aliases say, both reach root's mailbox at last (RFC 5321
 * 4.5.1); a reason that comes with TO_USERS is why they had to.
 *
 * It lives until the next call, and as long as LOCAL_PART.
 */
const struct expansion *expand(struct slice local_part);

/*
 * Can TEXT stand for a local part without quotes?  Octets beyond ASCII may
 * be in it.
 */
bool	is_bare_name(struct slice text);

/* Does the domain of PATH, or its address literal, mean this host? */
bool	is_local(const struct path *path);

#endif

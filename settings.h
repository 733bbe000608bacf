/* SPDX-License-Identifier: ISC */
/*
 * The settings: one table from which come the defaults, the file, -o, what
 * -t prints and what -h says.  They are read once, before the session, and
 * do not change after that.  in.smtpd.conf(5) describes them.
 */
#ifndef SETTINGS_H
#define SETTINGS_H

#include "log.h"
#include "parse.h"

#define SETTINGS_FILE	"/etc/in.smtpd.conf"

/* The default of aliases, which need not be there. */
#define ALIASES_FILE	"/etc/aliases"

/* The most that recipient-limit can be set to. */
#define MOST_RECIPIENTS	1000

enum protocol { SMTP, LMTP };

struct settings {
	const char	*hostname;
	const char	*domains;		/* a list: see next_word() */
	const char	*passwd;		/* a path */
	uint64_t	 min_uid;
	const char	*aliases;		/* a path; "" is none */
	const char	*mailbox;		/* a path with %u or %h */
	const char	*spool;			/* a path */
	const char	*user;			/* a list */
	const char	*chroot;		/* a path; "" is none */
	uint64_t	 message_size_limit;	/* octets, CR LF counted; 0 is none */
	uint64_t	 mailbox_size_limit;	/* octets; 0 is none */
	uint64_t	 recipient_limit;
	uint64_t	 transaction_limit;	/* 0 is none */
	const char	*recipient_delimiter;	/* one octet or none */
	uint64_t	 command_timeout;	/* seconds */
	uint64_t	 data_timeout;		/* seconds */
	uint64_t	 session_timeout;	/* seconds */
	uint64_t	 lock_timeout;		/* seconds */
	uint64_t	 error_limit;
	uint64_t	 error_delay;		/* seconds */
	uint64_t	 pregreet;		/* 0 log, 1 refuse */
	uint64_t	 vrfy;			/* 0 no, 1 yes */
	uint64_t	 expn;			/* 0 no, 1 yes */
	uint64_t	 terminals;		/* 0 no, 1 yes */
	const char	*utmp;			/* a path */
	uint64_t	 bare_newline;		/* 0 reject, 1 accept */
	uint64_t	 protocol;		/* enum protocol */
	uint64_t	 log;			/* enum log_target */
};

extern struct settings settings;

/*
 * Take the defaults, then FILE (NULL: SETTINGS_FILE, where it exists), then
 * the COUNT texts NAME=VALUE of OPTIONS.  All are read even when one is
 * wrong, so that as much as possible (the log, say) is as asked for.
 * Returns NULL, or what was wrong first, in a buffer of its own.
 */
const char *load_settings(const char *file, char *const *options, size_t count);

/* Every setting, in the syntax of the file, to descriptor FD. */
void	print_settings(int fd);

/* Every setting with its default and one line of help. */
void	print_settings_help(int fd);

/* The next word of a list parted by blanks or commas; false at its end. */
bool	next_word(struct slice *list, struct slice *word);

/* Is NAME one of the domains that are served here?  Any case will do. */
bool	is_our_domain(struct slice name);

#endif

/* SPDX-License-Identifier: ISC */
#include "mailbox.h"

#include "confine.h"
#include "ids.h"
#include "settings.h"

#include <sys/quota.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifndef O_NOATIME
#define O_NOATIME	0
#endif

/* Octets that we may add to a message: From_, header lines. */
#define OWN_LINES	2048

static bool		is_root, has_mail_group, users_write_there;
static gid_t		mail_group;
static uid_t		effective_uid;

bool
prepare_mailboxes(void)
{
	const char *slash = strrchr(settings.mailbox, '/');
	size_t length = (size_t)(slash - settings.mailbox) + 1;
	char directory[MAILBOX_PATH_LIMIT];
	struct stat st;

	effective_uid = geteuid();
	is_root = effective_uid == 0;
	users_write_there = is_root;	/* in homes */
	umask(0);	/* every mode is given in full */
	if (length < sizeof(directory) &&
	    memchr(settings.mailbox, '%', length) == NULL) {
		memcpy(directory, settings.mailbox, length);
		directory[length] = '\0';
		memset(&st, 0, sizeof(st));
		has_mail_group = stat(directory, &st) == 0 &&
		    (st.st_mode & (S_IWGRP | S_IWOTH)) == S_IWGRP;
		mail_group = st.st_gid;
		users_write_there = (st.st_mode & S_IWOTH) != 0 ||
		    (is_root && !has_mail_group);
	}
	return (!is_root ||
	    (drop_groups() &&
	    (!has_mail_group || set_effective_gid(mail_group))));
}

static bool
take_uid(uid_t uid)
{
	if (!set_effective_uid(uid))
		return (false);
	effective_uid = uid;
	return (true);
}

/* Take a user's effective ids, or root's own. */
static bool
become(uid_t uid, gid_t gid)
{
	if (!is_root || effective_uid == uid)
		return (true);
	return ((effective_uid == 0 || take_uid(0)) &&
	    (has_mail_group || set_effective_gid(gid)) &&
	    (uid == 0 || take_uid(uid)));
}

bool
become_user(const struct user *user)
{
	return (become(user->uid, user->gid));
}

bool
become_recipient(const struct mailbox *mailbox)
{
	return (become_user(&mailbox->recipient->user));
}

void
become_root_again(void)
{
	if (!become(0, 0))
		die("cannot become root again: %s", strerror(errno));
}

/* The mailbox setting with %u and %h filled in; false if it is too long. */
bool
mailbox_path(char path[MAILBOX_PATH_LIMIT], const struct user *user)
{
	const char *from = settings.mailbox;
	struct slice part;
	size_t length = 0;

	for (; *from != '\0'; from++) {
		part = (struct slice){ from, 1 };
		if (*from == '%')
			part = *++from == 'u' ? user->name : user->home;
		if (part.at == user->home.at &&
		    (part.length == 0 || part.at[0] != '/' ||
			has_control(part)))
			return (false);
		if (length + part.length >= MAILBOX_PATH_LIMIT)
			return (false);
		memcpy(path + length, part.at, part.length);
		length += part.length;
	}
	path[length] = '\0';
	return (true);
}

static enum outcome
outcome_of(int error)
{
	switch (error) {
	case ENOSPC:
		return (NO_DISK_SPACE);
	case EDQUOT:
	case EFBIG:
		return (MAILBOX_TOO_FULL);
	default:
		return (DELIVERY_FAILED);
	}
}

/* Log why this recipient cannot have it now; returns the outcome. */
enum outcome
refuse(const struct mailbox *mailbox, enum outcome outcome, const char *reason)
{
	const struct slice *name = &mailbox->recipient->user.name;

	log_line(LOG_WARNING, "deferred to=<%.*s> mailbox=%s reason=\"%s\"",
	    (int)name->length, name->at, mailbox->path, reason);
	return (outcome);
}

enum outcome
refuse_errno(const struct mailbox *mailbox, const char *what)
{
	enum outcome outcome = outcome_of(errno);
	char reason[128];

	snprintf(reason, sizeof(reason), "%s: %s", what, strerror(errno));
	return (refuse(mailbox, outcome, reason));
}

/* Only a regular file with one link that is the recipient's will do. */
enum outcome
check_kind(const struct mailbox *mailbox, const struct stat *st)
{
	if (S_ISLNK(st->st_mode))
		return (refuse(mailbox, MAILBOX_REFUSED,
		    "it is a symbolic link"));
	if (!S_ISREG(st->st_mode))
		return (refuse(mailbox, MAILBOX_REFUSED,
		    "it is no regular file"));
	if (st->st_nlink == 0) /* a reader put a new file in its place */
		return (MAILBOX_LOCKED);
	if (st->st_nlink != 1)
		return (refuse(mailbox, MAILBOX_REFUSED,
		    "it has more than one link"));
	if (st->st_uid != mailbox->recipient->user.uid)
		return (refuse(mailbox, MAILBOX_REFUSED,
		    "it belongs to somebody else"));
	return (DELIVERED);
}

static int
open_existing(const char *path)
{
	/*
	 * O_NOATIME: our look at its end must not make new mail look old.
	 * Nothing is O_CLOEXEC, since nothing is ever executed (confine.h).
	 */
	return (open(path,
	    O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
		O_NOATIME));
}

/*
 * Open a mailbox as its recipient; where there is none FD becomes -1, which
 * is no failure.
 */
enum outcome
open_mailbox(struct mailbox *mailbox, const struct recipient *recipient)
{
	struct stat st;

	memset(mailbox, 0, offsetof(struct mailbox, before));
	mailbox->recipient = recipient;
	mailbox->written = 0;
	mailbox->fd = -1;
	if (!mailbox_path(mailbox->path, &recipient->user)) {
		strcpy(mailbox->path, "-");
		return (refuse(mailbox, MAILBOX_REFUSED,
		    "its path is no good"));
	}
	if (!is_root && recipient->user.uid != effective_uid)
		return (refuse(mailbox, MAILBOX_REFUSED,
		    "only root can deliver to somebody else"));
	if (!become_recipient(mailbox))
		return (refuse_errno(mailbox, "seteuid"));
	mailbox->fd = open_existing(mailbox->path);
	if (mailbox->fd == -1 && errno == ENOENT)
		return (DELIVERED);
	if (mailbox->fd == -1) {
		if (lstat(mailbox->path, &st) == 0 &&
		    check_kind(mailbox, &st) != DELIVERED)
			return (MAILBOX_REFUSED);
		return (refuse_errno(mailbox, "open"));
	}
	if (fstat(mailbox->fd, &mailbox->before) == -1)
		return (refuse_errno(mailbox, "fstat"));
	return (check_kind(mailbox, &mailbox->before));
}

void
close_mailbox(struct mailbox *mailbox)
{
	if (mailbox->fd != -1)
		close(mailbox->fd);
}

static void
directory_of(char directory[MAILBOX_PATH_LIMIT], const struct mailbox *mailbox)
{
	strcpy(directory, mailbox->path);
	strrchr(directory, '/')[1] = '\0';
}

int
open_directory(const struct mailbox *mailbox)
{
	char path[MAILBOX_PATH_LIMIT];

	directory_of(path, mailbox);
	return (open(path, O_RDONLY | O_DIRECTORY));
}

/* Its mode says what the directory's says: may the group write? */
enum outcome
create_mailbox(struct mailbox *mailbox)
{
	mailbox->fd = open(mailbox->path,
	    O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOATIME,
	    has_mail_group ? 0660 : 0600);
	if (mailbox->fd == -1 && errno == EEXIST)	/* made just now */
		return (MAILBOX_LOCKED);
	if (mailbox->fd == -1)
		return (refuse_errno(mailbox, "create"));
	if (fstat(mailbox->fd, &mailbox->before) == -1)
		return (refuse_errno(mailbox, "fstat"));
	return (check_kind(mailbox, &mailbox->before));
}

bool
users_may_write_there(void)
{
	return (users_write_there);
}

bool
only_mail_group_writes_there(void)
{
	return (is_root && !users_write_there);
}

/* Could the recipient, whose effective ids we have, make a file there? */
static bool
can_create_in(const char *directory)
{
#ifdef SYS_faccessat2
	if (syscall(SYS_faccessat2, AT_FDCWD, directory, W_OK | X_OK,
		AT_EACCESS) == 0)
		return (true);
	if (errno != ENOSYS)
		return (false);
#endif
	/* Where nobody can tell the delivery does. */
	return (is_root || access(directory, W_OK | X_OK) == 0);
}

/* Has the recipient, whose ids we have, a quota that LENGTH would pass? */
static bool
is_over_quota(int file, const struct user *user, uint64_t length)
{
	/* QCMD() of <sys/quota.h> shifts into the sign. */
	unsigned int get = (unsigned int)Q_GETQUOTA << SUBCMDSHIFT | USRQUOTA;
	struct dqblk quota;
	uint64_t used;

	if (syscall(QUOTACTL_FD, file, get, user->uid, &quota) == -1)
		return (false); /* he has none, or nobody can tell */
	used = quota.dqb_curspace + length;
	return ((quota.dqb_bhardlimit != 0 &&
		    used > quota.dqb_bhardlimit * 1024) ||
	    (quota.dqb_bsoftlimit != 0 && used > quota.dqb_bsoftlimit * 1024 &&
		quota.dqb_btime != 0 &&
		quota.dqb_btime <= (uint64_t)time(NULL)));
}

/* Would LENGTH more octets fit on the disk of FILE, for this user? */
static enum outcome
check_disk(const struct mailbox *mailbox, int file, uint64_t length)
{
	struct statvfs fs;

	if (fstatvfs(file, &fs) == 0 && fs.f_blocks != 0 &&
	    (uint64_t)fs.f_bavail * fs.f_frsize < length + fs.f_frsize)
		return (refuse(mailbox, NO_DISK_SPACE, "disk is full"));
	if (is_over_quota(file, &mailbox->recipient->user, length))
		return (refuse(mailbox, MAILBOX_TOO_FULL, "quota is reached"));
	return (DELIVERED);
}

/* Would they fit below the limits? */
static enum outcome
check_limits(const struct mailbox *mailbox, uint64_t length)
{
	uint64_t size = mailbox->fd == -1 ? 0 :
	    (uint64_t)mailbox->before.st_size;
	struct rlimit limit;

	if (settings.mailbox_size_limit != 0 &&
	    size + length > settings.mailbox_size_limit)
		return (refuse(mailbox, MAILBOX_TOO_FULL,
		    "mailbox-size-limit is reached"));
	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 &&
	    limit.rlim_cur != RLIM_INFINITY && size + length > limit.rlim_cur)
		return (refuse(mailbox, MAILBOX_TOO_FULL,
		    "RLIMIT_FSIZE is reached"));
	return (DELIVERED);
}

/* The same where it has to be made yet. */
static enum outcome
check_directory(const struct mailbox *mailbox, uint64_t length)
{
	enum outcome outcome;
	char path[MAILBOX_PATH_LIMIT];
	int directory;

	directory_of(path, mailbox);
	directory = open_directory(mailbox);
	if (directory == -1 || !can_create_in(path))
		outcome = refuse_errno(mailbox, "cannot be made");
	else
		outcome = check_disk(mailbox, directory, length);
	if (directory != -1)
		close(directory);
	return (outcome);
}

static enum outcome
check_room(const struct mailbox *mailbox, uint64_t length)
{
	enum outcome outcome;

	if (length > 0)
		length += OWN_LINES;
	outcome = check_limits(mailbox, length);
	if (outcome != DELIVERED)
		return (outcome);
	return (mailbox->fd == -1 ? check_directory(mailbox, length) :
				    check_disk(mailbox, mailbox->fd, length));
}

enum outcome
check_mailbox(const struct user *user, uint64_t length)
{
	struct recipient recipient = { .user = *user };
	struct mailbox mailbox;
	enum outcome outcome = open_mailbox(&mailbox, &recipient);

	if (outcome == DELIVERED)
		outcome = check_room(&mailbox, length);
	close_mailbox(&mailbox);
	become_root_again();
	/* It has just been put in place of another: the delivery will tell. */
	return (outcome == MAILBOX_LOCKED ? DELIVERED : outcome);
}

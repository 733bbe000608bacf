/* SPDX-License-Identifier: ISC */
#include "lock.h"

#include "log.h"

#include <sys/time.h>
#include <sys/vfs.h>

#include <errno.h>
#include <fcntl.h>
#include <lockfile.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifndef NFS_SUPER_MAGIC
#define NFS_SUPER_MAGIC	0x6969
#endif

#define LOCK_PATH_LIMIT		(MAILBOX_PATH_LIMIT + sizeof(".lock"))

/* lockfile_check() of liblockfile reads so much into a buffer of 16. */
#define DOTLOCK_SIZE_LIMIT	16

static void
lock_path(char path[LOCK_PATH_LIMIT], const struct mailbox *mailbox)
{
	snprintf(path, LOCK_PATH_LIMIT, "%s.lock", mailbox->path);
}

static enum outcome
lock_by_fcntl(struct mailbox *mailbox, char note[NOTE_SIZE])
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (mailbox->has_fcntl_lock)	/* it was waited for */
		return (DELIVERED);
	if (fcntl(mailbox->fd, F_SETLK, &lock) == 0) {
		mailbox->has_fcntl_lock = true;
		return (DELIVERED);
	}
	if (errno != EACCES && errno != EAGAIN)
		return (refuse_errno(mailbox, "fcntl lock"));
	if (fcntl(mailbox->fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK &&
	    lock.l_pid > 0)
		snprintf(note, NOTE_SIZE, "locked by process %ld",
		    (long)lock.l_pid);
	return (MAILBOX_LOCKED);
}

static void
ignore_alarm(int signal_number)
{
	(void)signal_number;
}

static void
mask_alarm(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigprocmask(how, &set, NULL);
}

/* From now on nothing hangs for longer than ALARM_MS, but is interrupted. */
static void
start_alarm(void)
{
	const struct timeval often = { .tv_usec = ALARM_MS * 1000 };
	const struct itimerval timer = { often, often };
	struct sigaction action = { .sa_handler = ignore_alarm };

	sigaction(SIGALRM, &action, NULL);
	mask_alarm(SIG_UNBLOCK);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static void
stop_alarm(void)
{
	static const struct itimerval off;

	setitimer(ITIMER_REAL, &off, NULL);
	mask_alarm(SIG_BLOCK);		/* no write nor sync is cut short */
}

/* The kernel lets those who wait have it in turn. */
bool
wait_for_fcntl_lock(struct mailbox *mailbox)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	start_alarm();
	mailbox->has_fcntl_lock = fcntl(mailbox->fd, F_SETLKW, &lock) == 0;
	stop_alarm();
	return (mailbox->has_fcntl_lock);
}

/*
 * liblockfile opens a lock that is there, whatever it is; a user who puts
 * a FIFO there, in a directory of his, must not hold up everybody.  So
 * an alarm ends what hangs.
 */
static int
create_dotlock(const char *path, int flags)
{
	int result, error;

	if (only_mail_group_writes_there())
		return (lockfile_create(path, 0, flags));
	start_alarm();
	result = lockfile_create(path, 0, flags);
	error = errno;
	stop_alarm();
	errno = error;
	return (result);
}

/*
 * Have a pid in the dotlock?  It means nothing where other hosts take it
 * too; and where users can write, liblockfile must not look for one: it
 * reads sixteen octets and writes one behind them.
 */
static int
dotlock_flags(const struct mailbox *mailbox)
{
	struct statfs fs;

	if (users_may_write_there() ||
	    (fstatfs(mailbox->fd, &fs) == 0 &&
		(unsigned long)fs.f_type == NFS_SUPER_MAGIC))
		return (0);
	return (L_PID);
}

/* How old the dotlock is and what it says: its owner's pid, mostly. */
static void
describe_dotlock(char note[NOTE_SIZE], const char *path)
{
	char text[DOTLOCK_SIZE_LIMIT], shown[DOTLOCK_SIZE_LIMIT + 1];
	struct stat st;
	ssize_t n = -1;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);

	if (fd != -1 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		n = read(fd, text, sizeof(text));
	if (fd != -1)
		close(fd);
	if (n <= 0)
		return;
	printable(shown, sizeof(shown), text, (size_t)n);
	shown[strcspn(shown, "?")] = '\0'; /* its newline */
	snprintf(note, NOTE_SIZE, "dotlock is %ld seconds old and says %s",
	    (long)(time(NULL) - st.st_mtime), shown);
}

static enum outcome
lock_by_dotlock(struct mailbox *mailbox, char note[NOTE_SIZE])
{
	int flags = dotlock_flags(mailbox);
	char path[LOCK_PATH_LIMIT];
	struct stat st;

	lock_path(path, mailbox);
	if (lstat(path, &st) == 0) {
		if (!S_ISREG(st.st_mode)) { /* liblockfile would hang */
			strcpy(note, "dotlock is no regular file");
			return (MAILBOX_LOCKED);
		}
		/* Nor may it look for a pid in it: it goes by its age. */
		if (st.st_size >= DOTLOCK_SIZE_LIMIT)
			flags = 0;
	}
	switch (create_dotlock(path, flags)) {
	case L_SUCCESS:
		mailbox->has_dotlock = true;
		return (DELIVERED);
	case L_MAXTRYS:
		describe_dotlock(note, path);
		return (MAILBOX_LOCKED);
	default:
		if (errno == EEXIST) /* a namesake's temporary file */
			return (MAILBOX_LOCKED);
		return (refuse_errno(mailbox, "dotlock"));
	}
}

/* A reader may have put a new file in its place while we opened it. */
static enum outcome
check_still_there(struct mailbox *mailbox)
{
	struct stat st;

	if (lstat(mailbox->path, &st) == -1 ||
	    fstat(mailbox->fd, &mailbox->before) == -1 ||
	    st.st_dev != mailbox->before.st_dev ||
	    st.st_ino != mailbox->before.st_ino)
		return (MAILBOX_LOCKED);
	return (check_kind(mailbox, &mailbox->before));
}

enum outcome
lock_mailbox(struct mailbox *mailbox, char note[NOTE_SIZE])
{
	enum outcome outcome;

	if (!become_recipient(mailbox))
		return (refuse_errno(mailbox, "seteuid"));
	outcome = lock_by_fcntl(mailbox, note);
	if (outcome == DELIVERED)
		outcome = lock_by_dotlock(mailbox, note);
	if (outcome == DELIVERED)
		outcome = check_still_there(mailbox);
	return (outcome);
}

static void
remove_dotlock(struct mailbox *mailbox)
{
	char path[LOCK_PATH_LIMIT];

	if (mailbox->has_dotlock && become_recipient(mailbox)) {
		lock_path(path, mailbox);
		lockfile_remove(path);
		mailbox->has_dotlock = false;
	}
}

void
unlock_mailbox(struct mailbox *mailbox)
{
	struct flock unlock = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	remove_dotlock(mailbox);
	if (mailbox->has_fcntl_lock)
		(void)fcntl(mailbox->fd, F_SETLK, &unlock);
	mailbox->has_fcntl_lock = false;
}

/* Closing it drops the fcntl lock. */
void
release_mailbox(struct mailbox *mailbox)
{
	remove_dotlock(mailbox);
	close_mailbox(mailbox);
}

void
touch_dotlock(const struct mailbox *mailbox)
{
	char path[LOCK_PATH_LIMIT];

	lock_path(path, mailbox);
	if (become_recipient(mailbox))
		lockfile_touch(path);
}

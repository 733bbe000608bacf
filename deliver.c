/* SPDX-License-Identifier: ISC */
#include "deliver.h"

#include "clock.h"
#include "pages.h"
#include "settings.h"
#include "terminals.h"

#include <sys/resource.h>

#include <string.h>
#include <time.h>
#include <unistd.h>

/* As many as any soft limit of descriptors has room for. */
#define FEW_MAILBOXES		16

/*
 * Between two tries to lock: a millisecond, and a sixteenth of what was
 * waited, so that who waits long does not make much work of it.
 */
#define SHORTEST_PAUSE_MS	1
#define LONGEST_PAUSE_MS	50

/* A dotlock older than two minutes is stale to some (Dovecot). */
#define TOUCH_INTERVAL_MS	60000

/* Those of this delivery, in the order of their inodes. */
static LARGE struct mailbox *mailboxes[MOST_RECIPIENTS];
static size_t		mailbox_count;
static int64_t		locks_touched;	/* in now_ms() */

/* Has the Nth recipient got it otherwise, and needs no mailbox? */
static LARGE bool	is_served[MOST_RECIPIENTS];

static int
compare_mailboxes(const struct mailbox *a, const struct mailbox *b)
{
	const struct stat *one = &a->before, *two = &b->before;

	if (one->st_dev != two->st_dev)
		return (one->st_dev < two->st_dev ? -1 : 1);
	if (one->st_ino != two->st_ino)
		return (one->st_ino < two->st_ino ? -1 : 1);
	return (0);
}

/*
 * Put one into the order in which everybody locks, and each mailbox once:
 * its second descriptor is closed before any lock is held, since closing it
 * later would drop the lock of the first (fcntl(2)).
 */
static void
insert_mailbox(struct mailbox *mailbox)
{
	size_t i = mailbox_count;

	while (i > 0 && compare_mailboxes(mailboxes[i - 1], mailbox) > 0)
		i--;
	if (i > 0 && compare_mailboxes(mailboxes[i - 1], mailbox) == 0) {
		close_mailbox(mailbox);
		return;
	}
	memmove(mailboxes + i + 1, mailboxes + i,
	    (mailbox_count - i) * sizeof(mailboxes[0]));
	mailboxes[i] = mailbox;
	mailbox_count++;
}

/* Each mailbox takes a descriptor; the soft limit is for programs that select. */
static void
raise_descriptor_limit(size_t count)
{
	struct rlimit limit;

	if (count <= FEW_MAILBOXES || getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static enum outcome
open_mailboxes(const struct delivery *delivery)
{
	static LARGE struct mailbox opened[MOST_RECIPIENTS];
	enum outcome outcome;
	size_t i;

	raise_descriptor_limit(delivery->count);
	for (i = 0; i < delivery->count; i++) {
		if (is_served[i])
			continue;
		outcome = open_mailbox(&opened[i], &delivery->recipients[i]);
		if (outcome == DELIVERED && opened[i].fd == -1)
			outcome = create_mailbox(&opened[i]);
		if (outcome != DELIVERED) {
			close_mailbox(&opened[i]);
			return (outcome);
		}
		insert_mailbox(&opened[i]);
	}
	return (DELIVERED);
}

/* Lock all; where one cannot be had *BUSY is it. */
static enum outcome
lock_mailboxes(char note[NOTE_SIZE], struct mailbox **busy)
{
	enum outcome outcome = DELIVERED;
	size_t i;

	for (i = 0; i < mailbox_count && outcome == DELIVERED; i++) {
		*busy = mailboxes[i];
		outcome = lock_mailbox(mailboxes[i], note);
	}
	return (outcome);
}

static void
release_mailboxes(void)
{
	size_t i;

	for (i = 0; i < mailbox_count; i++)
		release_mailbox(mailboxes[i]);
	mailbox_count = 0;
}

/* Sleep for half of PAUSE milliseconds to all of it, by chance. */
static void
sleep_about(int64_t pause)
{
	struct timespec now, sleep;
	int64_t most = pause * 1000000;

	clock_gettime(CLOCK_MONOTONIC, &now);
	sleep = (struct timespec){
		.tv_nsec = (long)(most / 2 +
		    (now.tv_nsec ^ (int64_t)getpid() * 7919) % (most / 2))
	};
	nanosleep(&sleep, NULL);
}

static int64_t
pause_after(int64_t waited)
{
	int64_t pause = SHORTEST_PAUSE_MS + waited / 16;

	return (pause < LONGEST_PAUSE_MS ? pause : LONGEST_PAUSE_MS);
}

/*
 * Wait with nothing held.  Where somebody has the fcntl lock of BUSY, the
 * kernel says when it is free, and we keep it and the open files.  Else all
 * is opened anew behind a pause, since what is in the way is a dotlock, or
 * was a file that is another now.
 */
static void
wait_for_mailbox(struct mailbox *busy, int64_t pause)
{
	bool has_fcntl_lock = busy == NULL || busy->has_fcntl_lock;
	size_t i;

	if (has_fcntl_lock) {
		release_mailboxes();
		sleep_about(pause);
		return;
	}
	for (i = 0; i < mailbox_count; i++)
		unlock_mailbox(mailboxes[i]);
	(void)wait_for_fcntl_lock(busy);
}

/*
 * Lock all or none.  Others take the dotlock first, so nothing is held
 * while we wait.
 */
static enum outcome
open_and_lock(struct delivery *delivery)
{
	int64_t started = now_ms(), waited, pause;
	struct mailbox *busy;
	enum outcome outcome;

	strcpy(delivery->note, "try again later");
	for (;;) {
		busy = NULL;
		outcome = mailbox_count > 0 ? DELIVERED :
		    open_mailboxes(delivery);
		if (outcome == DELIVERED)
			outcome = lock_mailboxes(delivery->note, &busy);
		if (outcome != MAILBOX_LOCKED)
			break;
		if (delivery->is_over())
			return (DELIVERY_STOPPED);
		waited = now_ms() - started;
		pause = pause_after(waited);
		if (waited + pause > (int64_t)settings.lock_timeout * 1000)
			break;
		wait_for_mailbox(busy, pause);
	}
	locks_touched = now_ms();
	return (outcome);
}

/*
 * Programs that go by the age of a dotlock take one of some minutes for
 * forgotten; ours is kept young.
 */
static void
touch_dotlocks(void)
{
	size_t i;

	if (now_ms() - locks_touched < TOUCH_INTERVAL_MS)
		return;
	for (i = 0; i < mailbox_count; i++)
		touch_dotlock(mailboxes[i]);
	locks_touched = now_ms();
}

static enum outcome
append_and_sync(const struct delivery *delivery)
{
	enum outcome outcome = DELIVERED;
	size_t i;

	for (i = 0; i < mailbox_count && outcome == DELIVERED; i++)
		outcome = append_message(mailboxes[i], &delivery->message);
	for (i = 0; i < mailbox_count && outcome == DELIVERED; i++) {
		outcome = sync_mailbox(mailboxes[i]);
		touch_dotlocks();
	}
	for (i = 0; i < mailbox_count && outcome != DELIVERED; i++)
		cut_back(mailboxes[i]);
	return (outcome);
}

static void
log_delivery(const struct delivery *delivery, int64_t started)
{
	const struct user *user;
	char path[MAILBOX_PATH_LIMIT];
	int64_t delay = now_ms() - started;
	size_t i;

	for (i = 0; i < delivery->count; i++) {
		user = &delivery->recipients[i].user;
		if (is_served[i] || !mailbox_path(path, user))
			continue;
		log_line(LOG_INFO,
		    "delivered message=%s to=<%.*s> mailbox=%s "
		    "size=%llu delay=%lld.%03lld",
		    delivery->message.id, (int)user->name.length, user->name.at,
		    path, (unsigned long long)delivery->message.length,
		    (long long)(delay / 1000), (long long)(delay % 1000));
	}
}

/* To the mailboxes of all that are not served yet. */
static enum outcome
deliver_to_mailboxes(struct delivery *delivery)
{
	int64_t started = now_ms();
	enum outcome outcome = open_and_lock(delivery);

	delivery->message.progress = touch_dotlocks;
	if (outcome == DELIVERED)
		outcome = append_and_sync(delivery);
	else if (outcome == MAILBOX_LOCKED)
		log_line(LOG_WARNING, "deferred message=%s reason=\"%s\"",
		    delivery->message.id, delivery->note);
	release_mailboxes();
	become_root_again();
	if (outcome == DELIVERED)
		log_delivery(delivery, started);
	return (outcome);
}

/* Take the terminals of all recipients; false if one of them has none. */
static bool
find_terminals(const struct delivery *delivery)
{
	size_t i;

	raise_descriptor_limit(MOST_RECIPIENTS);	/* each has several */
	open_terminals(delivery->recipients, delivery->count);
	for (i = 0; i < delivery->count; i++)
		if (!has_terminal(i))
			return (false);
	return (true);
}

/* Write to them; false if that has not served everybody. */
static bool
serve_at_terminals(const struct delivery *delivery)
{
	bool all = true;
	size_t i;

	for (i = 0; i < delivery->count; i++) {
		is_served[i] = write_to_terminals(i, &delivery->message);
		all &= is_served[i];
	}
	return (all);
}

/*
 * Terminals come first where they can do instead of a mailbox, so that the
 * mailboxes that are left are still one transaction: what stands on a screen
 * and was not promised does no harm.  Where both get it the mailboxes come
 * first, since only they count.
 */
enum outcome
deliver_message(struct delivery *delivery)
{
	enum outcome outcome = DELIVERED;
	bool all;

	memset(is_served, 0, sizeof(is_served));
	if (delivery->destination == TO_MAILBOX)
		return (deliver_to_mailboxes(delivery));
	if (delivery->destination == TO_BOTH)
		outcome = deliver_to_mailboxes(delivery);
	if (outcome != DELIVERED)
		return (outcome);
	all = find_terminals(delivery);
	if (all || delivery->destination != TO_TERMINAL)
		all = serve_at_terminals(delivery);
	close_terminals();
	if (all || delivery->destination == TO_BOTH)
		return (DELIVERED);
	return (delivery->destination == TO_EITHER ?
		deliver_to_mailboxes(delivery) :
		NO_TERMINAL);
}

enum outcome
check_recipient(const struct user *user, enum destination destination,
    uint64_t length)
{
	if (destination == TO_TERMINAL || destination == TO_EITHER) {
		if (is_at_terminal(user))
			return (DELIVERED);
		if (destination == TO_TERMINAL)
			return (NO_TERMINAL);
	}
	return (check_mailbox(user, length));
}

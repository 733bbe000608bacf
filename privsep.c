/* SPDX-License-Identifier: ISC */
#include "privsep.h"

#include "confine.h"
#include "ids.h"
#include "pages.h"
#include "spool.h"
#include "stop.h"
#include "terminals.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct answer {
	uint32_t	outcome;
	char		note[NOTE_SIZE];
};

static int	channel = -1;

/* ------------------------------------------------------ the deliverer */

/* Names and ids come from the map, whatever the session says. */
static bool
find_recipients(const struct envelope *envelope, struct recipient *recipients)
{
	uint32_t i;

	for (i = 0; i < envelope->count; i++) {
		if (!user_at(envelope->recipients[i].place,
		    &recipients[i].user))
			return (false);
		memcpy(recipients[i].detail, envelope->recipients[i].detail,
		    sizeof(recipients[i].detail));
	}
	return (true);
}

/*
 * Is there nobody to deliver for any more, or does he want no more?  A wait
 * for locks ends then, and only that.
 */
static bool
session_is_over(void)
{
	char octet;

	return (recv(channel, &octet, 1, MSG_PEEK | MSG_DONTWAIT) == 0);
}

static enum outcome
keep(uint64_t kept)
{
	if (keep_spool(settings.spool, kept))
		return (DELIVERED);
	log_line(LOG_ERR, "cannot write to %s: %s", settings.spool,
	    strerror(errno));
	return (errno == ENOSPC || errno == EDQUOT ? NO_DISK_SPACE :
						     DELIVERY_FAILED);
}

static bool
deliver(const struct request *request, struct answer *answer)
{
	static LARGE struct recipient recipients[MOST_RECIPIENTS];
	const struct envelope *envelope = &request->envelope;
	struct delivery delivery = { .destination = request->destination,
		.recipients = recipients,
		.count = envelope->count,
		.is_over = session_is_over };
	char id[ID_SIZE];

	if (!find_recipients(envelope, recipients))
		return (false);
	delivery.message = (struct message){ .id = printable(id, sizeof(id),
						 envelope->id,
		    strlen(envelope->id)),
		.reverse_path = envelope->reverse_path,
		.length = request->length,
		.kept = request->kept };
	answer->outcome = deliver_message(&delivery);
	memcpy(answer->note, delivery.note, sizeof(answer->note));
	/* With LMTP the next recipients may be given the same message. */
	if (settings.protocol != LMTP)
		forget_spool();
	return (true);
}

static bool
carry_out(const struct request *request, struct answer *answer)
{
	struct user user;

	memset(answer, 0, sizeof(*answer));
	switch (request->kind) {
	case CHECK:
		if (!user_at(request->place, &user))
			return (false);
		answer->outcome = check_recipient(&user, request->destination,
		    request->length);
		return (true);
	case KEEP:
		answer->outcome = keep(request->kept);
		return (true);
	default:
		return (deliver(request, answer));
	}
}

static void
serve_requests(void)
{
	static LARGE struct request request;
	struct answer answer;
	ssize_t n;

	for (;;) {
		n = recv(channel, &request, sizeof(request), 0);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		if (!is_good_request(&request, (size_t)n) ||
		    !carry_out(&request, &answer)) {
			log_line(LOG_CRIT,
			    "the session sent a request "
			    "that it never would; ending");
			return;
		}
		if (send(channel, &answer, sizeof(answer), MSG_NOSIGNAL) !=
		    sizeof(answer))
			return;
	}
}

/*
 * Let go of the client.  Something has to stand there yet, or a mailbox
 * would get the number that messages of the C library go to; a directory
 * can be opened in every root, and nothing can be written to it.
 */
static void
close_client(void)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY);

	if (fd == -1 || dup2(fd, STDIN_FILENO) == -1 ||
	    dup2(fd, STDOUT_FILENO) == -1 ||
	    (settings.log != TO_STDERR && dup2(fd, STDERR_FILENO) == -1))
		die("cannot let go of the client: %s", strerror(errno));
	close(fd);
}

/* The directory of all mailboxes, or where homes can be anywhere, all. */
static const char *
reach_of_mailboxes(char *directory, size_t size)
{
	size_t length = strcspn(settings.mailbox, "%");

	while (length > 1 && settings.mailbox[length - 1] != '/')
		length--;
	if (length == 0 || length >= size)
		return ("/");
	memcpy(directory, settings.mailbox, length);
	directory[length] = '\0';
	return (directory);
}

static void
report_layers(unsigned int missing, const char *process)
{
	if (missing != 0)
		log_line(LOG_NOTICE, "the kernel has no %s%s%s for the %s",
		    missing & LANDLOCK ? "Landlock" : "",
		    missing == (LANDLOCK | SECCOMP) ? " and no " : "",
		    missing & SECCOMP ? "seccomp" : "", process);
}

/*
 * Signals to stop are held back for good: the session gets them as well,
 * and when it ends the channel does.
 */
_Noreturn static void
run_deliverer(void)
{
	char directory[MAILBOX_PATH_LIMIT];
	const char *const reach[] = { reach_of_mailboxes(directory,
					  sizeof(directory)),
	    settings.spool, NULL };
	unsigned int missing;

	before_death = NULL;
	close_client();
	prepare_terminals();
	if (!confine_deliverer(reach, settings.terminals ? "/dev" : NULL,
		&missing))
		die("cannot give up capabilities: %s", strerror(errno));
	report_layers(missing, "deliverer");
	serve_requests();
	_exit(0);
}

/* -------------------------------------------------------- the session */

/*
 * A directory that has no name any more: nobody can ever put anything into
 * it, and it needs no place kept for it on the system.
 */
static bool
make_nameless_root(const char *where)
{
	char name[1024];

	return ((size_t)snprintf(name, sizeof(name), "%s/in.smtpd.XXXXXX",
		    where) < sizeof(name) &&
	    mkdtemp(name) != NULL && chdir(name) == 0 && rmdir(name) == 0);
}

/* In memory where it can be: a disk would have to write it down. */
static void
enter_empty_root(void)
{
	struct stat st;

	if (!make_nameless_root("/run") && !make_nameless_root(settings.spool))
		die("cannot make a directory in %s: %s", settings.spool,
		    strerror(errno));
	if (chroot(".") == -1 || stat("/", &st) == -1 || st.st_nlink != 0)
		die("cannot make an empty root directory: %s", strerror(errno));
}

/*
 * By name, or by number where the passwd file does not have him, or cannot
 * be read now.
 */
static void
find_session_user(uid_t *uid, gid_t *gid)
{
	struct slice list = slice_of(settings.user), word;
	struct user user;
	uint64_t number;

	while (next_word(&list, &word)) {
		if (find_account(word, &user)) {
			*uid = user.uid;
			*gid = user.gid;
			return;
		}
		if (parse_number(word, &number) && number < UINT32_MAX) {
			*uid = (uid_t)number;
			*gid = (gid_t)number;
			return;
		}
	}
	die("user %s is not in %s", settings.user, settings.passwd);
}

/* Become the user for good, and see that there is no way back. */
static void
drop_privileges(uid_t uid, gid_t gid)
{
	uid_t r, e, s;
	gid_t rg, eg, sg;

	if (uid == 0)
		die("user %s is root", settings.user);
	/* The groups went before the fork. */
	if (!set_all_ids(uid, gid))
		die("cannot become user %s: %s", settings.user,
		    strerror(errno));
	if (getresuid(&r, &e, &s) == -1 || r != uid || e != uid || s != uid ||
	    getresgid(&rg, &eg, &sg) == -1 || rg != gid || eg != gid ||
	    sg != gid || getgroups(0, NULL) != 0 || set_effective_uid(0))
		die("user %s could become root again", settings.user);
}

static bool	keep_full_window(uint64_t kept);

static void
become_session(bool writes_files)
{
	uid_t uid;
	gid_t gid;

	keep_window = keep_full_window;
	if (geteuid() == 0) {
		find_session_user(&uid, &gid);
		enter_empty_root();
		drop_privileges(uid, gid);
	}
	report_layers(confine_session(writes_files), "session");
}

int
start_deliverer(bool writes_files)
{
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == -1)
		die("socketpair: %s", strerror(errno));
	if (!prepare_mailboxes())
		die("cannot take the rights to deliver: %s", strerror(errno));
	if (!forbid_new_privileges())
		die("cannot set no_new_privs: %s", strerror(errno));
	pid = fork();
	if (pid == -1)
		die("fork: %s", strerror(errno));
	channel = ends[pid == 0];
	close(ends[pid != 0]);
	if (pid == 0)
		run_deliverer();
	become_session(writes_files);
	return (channel);
}

/*
 * The wait for an answer: it can be for locks, which a stop ends, and then
 * the answer comes at once.
 */
static bool
wait_for_answer(void)
{
	struct pollfd ready = { .fd = channel, .events = POLLIN };
	bool stopping = false;

	while (ppoll(&ready, 1, NULL, stopping ? NULL : &while_waiting) == -1) {
		if (errno != EINTR)
			return (false);
		if (stop_is_asked() && !stopping) {
			stopping = true;
			shutdown(channel, SHUT_WR);
		}
	}
	return (true);
}

static enum outcome
ask(const struct request *request, size_t size, struct answer *answer)
{
	if (send(channel, request, size, MSG_NOSIGNAL) != (ssize_t)size ||
	    !wait_for_answer() ||
	    recv(channel, answer, sizeof(*answer), 0) != sizeof(*answer))
		return (DELIVERY_STOPPED);
	return (answer->outcome);
}

/* The request that is made next: its head, all else being nothing. */
static struct request *
begin_request(enum request_kind kind, enum destination destination)
{
	static LARGE struct request request;

	memset(&request, 0, CHECK_SIZE);
	request.kind = kind;
	request.destination = destination;
	return (&request);
}

enum outcome
ask_check(uint32_t place, enum destination destination, uint64_t length)
{
	struct request *request = begin_request(CHECK, destination);
	struct answer answer;

	request->place = place;
	request->length = length;
	return (ask(request, CHECK_SIZE, &answer));
}

static bool
keep_full_window(uint64_t kept)
{
	struct request *request = begin_request(KEEP, TO_MAILBOX);
	struct answer answer;
	enum outcome outcome;

	request->kept = kept;
	outcome = ask(request, CHECK_SIZE, &answer);
	errno = outcome == NO_DISK_SPACE ? ENOSPC : EIO;
	return (outcome == DELIVERED);
}

enum outcome
ask_deliver(const struct envelope *envelope, enum destination destination,
    char note[NOTE_SIZE])
{
	struct request *request = begin_request(DELIVER, destination);
	size_t size = DELIVER_SIZE(envelope->count);
	struct answer answer;
	enum outcome outcome;

	request->length = spool_length();
	request->kept = spool_kept();
	memcpy(&request->envelope, envelope, size - CHECK_SIZE);
	outcome = ask(request, size, &answer);
	note[0] = '\0';
	if (outcome == MAILBOX_LOCKED) {
		memcpy(note, answer.note, NOTE_SIZE);
		note[NOTE_SIZE - 1] = '\0';
	}
	return (outcome);
}

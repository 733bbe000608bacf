/* SPDX-License-Identifier: ISC */
#include "privsep.h"

#include "spool.h"
#include "stop.h"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum request_kind { CHECK = 1, DELIVER };

/* One record each way; a record of another size ends the deliverer. */
struct request {
	uint32_t	kind;
	uint32_t	place;		/* of CHECK */
	uint64_t	length;
	struct envelope	envelope;	/* of DELIVER, up to its last recipient */
};

struct answer {
	uint32_t	outcome;
	char		note[NOTE_SIZE];
};

/* No sum with it overflows. */
#define MOST_OCTETS	((uint64_t)1 << 61)

#define CHECK_SIZE	offsetof(struct request, envelope)
#define DELIVER_SIZE(count)                              \
	(offsetof(struct request, envelope.recipients) + \
	    (count) * sizeof(struct recipient_request))

static int	channel = -1;

/* ------------------------------------------------------ the deliverer */

/*
 * False when there will be no more requests.  A signal to stop comes
 * through here and at no other time: a delivery is whole before it counts.
 */
static bool
wait_for_request(void)
{
	struct pollfd ready = { .fd = channel, .events = POLLIN };

	while (ppoll(&ready, 1, NULL, &while_waiting) == -1)
		if (errno != EINTR || stop_is_asked())
			return (false);
	return (true);
}

static bool
is_string(const char *text, size_t size)
{
	return (memchr(text, '\0', size) != NULL);
}

/* Is it one that a session in order would send? */
static bool
is_good_request(const struct request *request, size_t size)
{
	const struct envelope *envelope = &request->envelope;
	uint32_t i;

	if (size < CHECK_SIZE || request->length > MOST_OCTETS)
		return (false);
	if (size == CHECK_SIZE && request->kind == CHECK)
		return (true);
	if (size < DELIVER_SIZE(1) || request->kind != DELIVER ||
	    envelope->count < 1 || envelope->count > MOST_RECIPIENTS ||
	    size != DELIVER_SIZE(envelope->count) ||
	    !is_string(envelope->id, ID_SIZE) ||
	    !is_string(envelope->reverse_path, PATH_LIMIT + 1))
		return (false);
	for (i = 0; i < envelope->count; i++)
		if (!is_string(envelope->recipients[i].detail,
		    LOCAL_PART_LIMIT + 1))
			return (false);
	return (true);
}

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

static bool
carry_out(const struct request *request, struct answer *answer)
{
	static struct recipient recipients[MOST_RECIPIENTS];
	char id[ID_SIZE];
	struct user user;
	struct delivery delivery = { .count = 0 };

	memset(answer, 0, sizeof(*answer));
	if (request->kind == CHECK) {
		if (!user_at(request->place, &user))
			return (false);
		answer->outcome = check_mailbox(&user, request->length);
		return (true);
	}
	if (!find_recipients(&request->envelope, recipients))
		return (false);
	delivery.message.id = printable(id, sizeof(id), request->envelope.id,
	    strlen(request->envelope.id));
	delivery.message.reverse_path = request->envelope.reverse_path;
	delivery.message.length = request->length;
	delivery.recipients = recipients;
	delivery.count = request->envelope.count;
	answer->outcome = deliver_message(&delivery);
	memcpy(answer->note, delivery.note, sizeof(answer->note));
	return (true);
}

static void
serve_requests(void)
{
	static struct request request;
	struct answer answer;
	ssize_t n;

	while (wait_for_request()) {
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
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1 || dup2(fd, STDIN_FILENO) == -1 ||
	    dup2(fd, STDOUT_FILENO) == -1 ||
	    (settings.log != TO_STDERR && dup2(fd, STDERR_FILENO) == -1))
		die("cannot let go of the client: %s", strerror(errno));
	close(fd);
}

/* The end of the channel is what tells the session to say 421 and end. */
_Noreturn static void
run_deliverer(pid_t session)
{
	int status = 1;

	before_death = NULL;
	close_client();
	serve_requests();
	shutdown(channel, SHUT_RDWR);
	while (waitpid(session, &status, 0) == -1 && errno == EINTR)
		;
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

/* -------------------------------------------------------- the session */

/*
 * A directory that has no name any more: nobody can ever put anything into
 * it, and it needs no place kept for it on the system.
 */
static void
enter_empty_root(void)
{
	char name[1024];
	struct stat st;

	if ((size_t)snprintf(name, sizeof(name), "%s/in.smtpd.XXXXXX",
		settings.spool) >= sizeof(name) ||
	    mkdtemp(name) == NULL)
		die("cannot make a directory in %s: %s", settings.spool,
		    strerror(errno));
	if (chdir(name) == -1 || rmdir(name) == -1 || chroot(".") == -1 ||
	    stat("/", &st) == -1 || st.st_nlink != 0)
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
	if (setgroups(0, NULL) == -1 || setresgid(gid, gid, gid) == -1 ||
	    setresuid(uid, uid, uid) == -1)
		die("cannot become user %s: %s", settings.user,
		    strerror(errno));
	if (getresuid(&r, &e, &s) == -1 || r != uid || e != uid || s != uid ||
	    getresgid(&rg, &eg, &sg) == -1 || rg != gid || eg != gid ||
	    sg != gid || getgroups(0, NULL) != 0 || setuid(0) == 0 ||
	    seteuid(0) == 0)
		die("user %s could become root again", settings.user);
}

static void
confine_session(void)
{
	uid_t uid;
	gid_t gid;

	if (geteuid() == 0) {
		find_session_user(&uid, &gid);
		enter_empty_root();
		drop_privileges(uid, gid);
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		die("cannot set no_new_privs: %s", strerror(errno));
}

int
start_deliverer(void)
{
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == -1)
		die("socketpair: %s", strerror(errno));
	if (!prepare_mailboxes())
		die("cannot take the rights to deliver: %s", strerror(errno));
	pid = fork();
	if (pid == -1)
		die("fork: %s", strerror(errno));
	channel = ends[pid == 0];
	close(ends[pid != 0]);
	if (pid != 0)
		run_deliverer(pid);
	confine_session();
	return (channel);
}

static enum outcome
ask(struct iovec *parts, int count, size_t size, struct answer *answer)
{
	ssize_t n;

	if (writev(channel, parts, count) != (ssize_t)size)
		return (DELIVERY_STOPPED);
	do
		n = recv(channel, answer, sizeof(*answer), 0);
	while (n == -1 && errno == EINTR);
	return (n == sizeof(*answer) ? answer->outcome : DELIVERY_STOPPED);
}

enum outcome
ask_check(uint32_t place, uint64_t length)
{
	struct request request = { .kind = CHECK,
		.place = place,
	    .length = length };
	struct iovec part = { &request, CHECK_SIZE };
	struct answer answer;

	return (ask(&part, 1, CHECK_SIZE, &answer));
}

enum outcome
ask_deliver(const struct envelope *envelope, char note[NOTE_SIZE])
{
	struct request head = { .kind = DELIVER, .length = spool_length() };
	union {
		const struct envelope *in;
		void *out;
	} cast = { envelope };
	size_t size = DELIVER_SIZE(envelope->count);
	struct iovec parts[2] = { { &head, CHECK_SIZE },
		{ cast.out, size - CHECK_SIZE } };
	struct answer answer;
	enum outcome outcome = ask(parts, 2, size, &answer);

	note[0] = '\0';
	if (outcome == MAILBOX_LOCKED) {
		memcpy(note, answer.note, NOTE_SIZE);
		note[NOTE_SIZE - 1] = '\0';
	}
	return (outcome);
}

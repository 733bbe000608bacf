/* SPDX-License-Identifier: ISC */
/*
 * bench - the client of tests/bench/run: does one thing, many times, and
 * prints what it took as one JSON object.
 *
 *	bench session [-n MOST] [-t SECONDS] [-S] COMMAND...
 *	    sessions, one at a time: start, 220, EHLO, QUIT, exit
 *	bench load [-n MOST] [-t SECONDS] [-c AT-ONCE] [-m PER-SESSION]
 *	    [-r RECIPIENTS] [-u USERS] [-a ADDRESS] [-w MAILBOX] [-s OCTETS]
 *	    [-b text|dots|from] [-k PATIENCE] (-p PORT | [-S] COMMAND...)
 *	    messages, until all that were answered with 250 are in the mailbox
 *	bench idle [-n SESSIONS] (-p PORT | [-S] COMMAND...)
 *	    sessions that say EHLO and wait until standard input ends
 *
 * COMMAND gets a TCP connection as descriptors 0 and 1 (-S: a pair of
 * sockets without addresses), as from a super-server; -p is for daemons.
 * ADDRESS and MAILBOX have a %d for the user's number.  Whatever is asked
 * for, it ends: no message is begun after SECONDS, no reply and no delivery
 * is waited for longer than PATIENCE.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static long most = 1000000, octets = 4096;
static int at_once = 1, per_session = 1, recipients = 1, users = 1;
static int port, patience = 10;
static double seconds = 1e9;
static bool pair;
static const char *address = "bench%d@localhost", *mailbox, *kind = "text";
static char **command;

static double start; /* when the load began */
static long begun, answered, failed;
static pthread_mutex_t counts = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t listener = PTHREAD_MUTEX_INITIALIZER;
static char *text, mark[64];
static size_t text_length;

struct client {
	int fd;
	pid_t pid; /* 0: a daemon is at the other end */
	size_t length;
	char replies[8192];
};

_Noreturn static void
die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double
now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return ((double)at.tv_sec + (double)at.tv_nsec / 1e9);
}

static double
seconds_of(struct timeval at)
{
	return ((double)at.tv_sec + (double)at.tv_usec / 1e6);
}

static void *
get_memory(size_t size)
{
	void *at = calloc(1, size);

	if (at == NULL)
		die("calloc");
	return (at);
}

/* The pattern with the user's number for its %d. */
static void
name_user(char *to, size_t size, const char *pattern, int user)
{
	const char *place = strstr(pattern, "%d");

	if (place == NULL)
		snprintf(to, size, "%s", pattern);
	else
		snprintf(to, size, "%.*s%d%s", (int)(place - pattern), pattern,
		    user, place + 2);
}

/* --------------------------------------------------------- connections */

/* Both ends of a connection over the loopback. */
static void
make_connection(int ends[2])
{
	static int fd = -1;
	static struct sockaddr_in at;
	socklen_t size = sizeof(at);

	pthread_mutex_lock(&listener);
	if (fd == -1) {
		at.sin_family = AF_INET;
		at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd == -1 || bind(fd, (void *)&at, size) == -1 ||
		    listen(fd, 16) == -1 ||
		    getsockname(fd, (void *)&at, &size) == -1)
			die("listen");
	}
	ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (ends[0] == -1 || connect(ends[0], (void *)&at, size) == -1 ||
	    (ends[1] = accept4(fd, NULL, NULL, SOCK_CLOEXEC)) == -1)
		die("connect");
	pthread_mutex_unlock(&listener);
}

static pid_t
start_command(int fd)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null",
	    O_WRONLY, 0);
	errno = posix_spawnp(&pid, command[0], &actions, NULL, command,
	    environ);
	if (errno != 0)
		die(command[0]);
	posix_spawn_file_actions_destroy(&actions);
	return (pid);
}

static bool
open_client(struct client *client)
{
	struct timeval wait = { patience, 0 };
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int ends[2], on = 1;

	client->pid = 0;
	client->length = 0;
	if (port != 0) {
		client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (client->fd == -1)
			die("socket");
		if (connect(client->fd, (void *)&at, sizeof(at)) == -1) {
			close(client->fd);
			return (false);
		}
	} else {
		if (!pair)
			make_connection(ends);
		else if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
			     ends) == -1)
			die("socketpair");
		client->fd = ends[0];
		client->pid = start_command(ends[1]);
		close(ends[1]);
	}
	setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return (true);
}

/* The number of the next reply, all of whose lines are read; -1: none. */
static int
read_reply(struct client *client)
{
	char *at = client->replies, *end;
	ssize_t n;
	int code;

	for (;;) {
		while ((end = memchr(at, '\n',
			    client->length - (size_t)(at - client->replies))) !=
		    NULL) {
			if (end - at < 4 || at[3] != '-') {
				code = atoi(at);
				client->length -= (size_t)(end + 1 -
				    client->replies);
				memmove(client->replies, end + 1,
				    client->length);
				return (code);
			}
			at = end + 1;
		}
		if (client->length == sizeof(client->replies))
			return (-1);
		n = read(client->fd, client->replies + client->length,
		    sizeof(client->replies) - client->length);
		if (n <= 0)
			return (-1);
		client->length += (size_t)n;
	}
}

static bool
send_all(struct client *client, const char *at, size_t length)
{
	ssize_t n;

	for (; length > 0; at += n, length -= (size_t)n)
		if ((n = send(client->fd, at, length, MSG_NOSIGNAL)) <= 0)
			return (false);
	return (true);
}

static bool
ask(struct client *client, const char *line, int wanted)
{
	return (send_all(client, line, strlen(line)) &&
	    read_reply(client) == wanted);
}

/* A receiver that did not answer is not waited for. */
static void
close_client(struct client *client, bool fine, struct rusage *usage)
{
	struct rusage unused;

	close(client->fd);
	if (client->pid == 0)
		return;
	if (!fine)
		kill(client->pid, SIGKILL);
	wait4(client->pid, NULL, 0, usage != NULL ? usage : &unused);
}

/* ------------------------------------------------------------ sessions */

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return ((x > y) - (x < y));
}

static double
median(double *values, long count)
{
	qsort(values, (size_t)count, sizeof(*values), compare);
	return (count > 0 ? values[count / 2] : 0);
}

static void
run_sessions(void)
{
	double *wall = get_memory((size_t)most * sizeof(*wall));
	double cpu = 0, begin;
	struct client client;
	struct rusage usage;
	long n;
	bool fine;

	start = now();
	for (n = 0; n < most && now() - start < seconds; n++) {
		begin = now();
		if (!open_client(&client))
			die("connect");
		fine = read_reply(&client) == 220 &&
		    ask(&client, "EHLO client.example\r\n", 250) &&
		    ask(&client, "QUIT\r\n", 221);
		close_client(&client, fine, &usage);
		wall[n] = now() - begin;
		cpu += seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
		if (!fine)
			failed++;
	}
	printf("{\"sessions\": %ld, \"failed\": %ld, \"wall_us\": %.1f, "
	       "\"cpu_us\": %.1f}\n",
	    n, failed, median(wall, n) * 1e6, cpu / (double)n * 1e6);
}

/* ------------------------------------------------------------ messages */

static void
make_message(void)
{
	static const struct {
		const char *kind, *line;
	} kinds[] = {
		{ "text",
		    "Nothing is so small that it may not be measured.\r\n" },
		{ "dots", "..a\r\nbcd\r\n..\r\nefgh\r\n" },
		{ "from", "From here\r\n" },
	};
	const char *line = NULL;
	size_t i, length;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].kind, kind) == 0)
			line = kinds[i].line;
	if (line == NULL)
		die(kind);
	length = strlen(line);
	text = get_memory((size_t)octets + 1024);
	snprintf(mark, sizeof(mark), "X-Bench: %d-%.0f", (int)getpid(),
	    now() * 1e6);
	text_length = (size_t)sprintf(text,
	    "%s\r\nFrom: <sender@client.example>\r\nSubject: measured\r\n"
	    "Date: Mon, 23 Nov 2026 12:00:00 +0000\r\n"
	    "Message-Id: <%s@client.example>\r\n\r\n",
	    mark, mark + 9);
	for (; text_length + length <= (size_t)octets; text_length += length)
		memcpy(text + text_length, line, length);
	memcpy(text + text_length, ".\r\n", 3);
	text_length += 3;
}

static bool
send_message(struct client *client, long number)
{
	char to[256], line[300];
	int i;

	if (!ask(client, "MAIL FROM:<sender@client.example>\r\n", 250))
		return (false);
	for (i = 0; i < recipients; i++) {
		name_user(to, sizeof(to), address, (int)(number + i) % users);
		snprintf(line, sizeof(line), "RCPT TO:<%s>\r\n", to);
		if (!ask(client, line, 250))
			return (false);
	}
	return (ask(client, "DATA\r\n", 354) &&
	    send_all(client, text, text_length) && read_reply(client) == 250);
}

/* The number of the next message; -1: enough. */
static long
next_message(void)
{
	long number = -1;

	pthread_mutex_lock(&counts);
	if (begun < most && now() - start < seconds)
		number = begun++;
	pthread_mutex_unlock(&counts);
	return (number);
}

static void
count_message(bool fine)
{
	pthread_mutex_lock(&counts);
	if (fine)
		answered++;
	else
		failed++;
	pthread_mutex_unlock(&counts);
}

static void *
send_messages(void *unused)
{
	struct client client;
	long number = next_message();
	bool fine;
	int n;

	while (number != -1) {
		fine = open_client(&client);
		if (!fine) {
			count_message(false);
			number = next_message();
			continue;
		}
		fine = read_reply(&client) == 220 &&
		    ask(&client, "EHLO client.example\r\n", 250);
		if (!fine)
			count_message(false);
		for (n = 1; fine; n++) {
			fine = send_message(&client, number);
			count_message(fine);
			if (!fine || n == per_session)
				break;
			number = next_message();
			if (number == -1)
				break;
		}
		if (fine)
			ask(&client, "QUIT\r\n", 221);
		close_client(&client, fine, NULL);
		if (number != -1)
			number = next_message();
	}
	return (unused);
}

struct place {
	off_t seen; /* what is before it was looked at */
	long count;
};

/*
 * Marks in whole lines behind what was seen.  It is not a mail reader, and
 * leaves the time of reading alone: procmail looks at it, and waits.
 */
static void
look_at_mailbox(int user, struct place *place)
{
	static char buffer[1 << 20];
	char path[512], *at, *end;
	struct stat st;
	size_t length;
	ssize_t n;
	int fd;

	name_user(path, sizeof(path), mailbox, user);
	if (stat(path, &st) == -1 || st.st_size <= place->seen ||
	    (fd = open(path, O_RDONLY | O_CLOEXEC | O_NOATIME)) == -1)
		return;
	while ((n = pread(fd, buffer, sizeof(buffer), place->seen)) > 0) {
		end = memrchr(buffer, '\n', (size_t)n);
		if (end == NULL)
			break;
		length = (size_t)(end + 1 - buffer);
		for (at = buffer;; at++) {
			at = memmem(at, length - (size_t)(at - buffer), mark,
			    strlen(mark));
			if (at == NULL)
				break;
			if (at == buffer || at[-1] == '\n')
				place->count++;
		}
		place->seen += (off_t)length;
	}
	close(fd);
}

static long
count_delivered(struct place *places)
{
	long count = 0;
	int i;

	for (i = 0; i < users; i++) {
		look_at_mailbox(i, &places[i]);
		count += places[i].count;
	}
	return (count);
}

static void
run_load(void)
{
	struct place *places = get_memory((size_t)users * sizeof(*places));
	pthread_t *threads = get_memory((size_t)at_once * sizeof(*threads));
	struct timespec pause = { 0, 1000000 };
	long delivered = 0, wanted;
	double replied, done;
	char path[512];
	struct stat st;
	int i;

	make_message();
	for (i = 0; i < users && mailbox != NULL; i++) {
		name_user(path, sizeof(path), mailbox, i);
		places[i].seen = stat(path, &st) == -1 ? 0 : st.st_size;
	}
	start = now();
	for (i = 0; i < at_once; i++)
		if (pthread_create(&threads[i], NULL, send_messages, NULL) != 0)
			die("pthread_create");
	for (i = 0; i < at_once; i++)
		pthread_join(threads[i], NULL);
	replied = now();
	for (;;) {
		wanted = mailbox == NULL ? 0 : answered * recipients;
		if (mailbox != NULL)
			delivered = count_delivered(places);
		done = now();
		if (delivered >= wanted || done > replied + patience)
			break;
		nanosleep(&pause, NULL);
	}
	printf("{\"answered\": %ld, \"failed\": %ld, \"delivered\": %ld, "
	       "\"seconds\": %.6f, \"octets\": %zu}\n",
	    answered, failed, delivered, done - start, text_length);
}

static void
hold_sessions(void)
{
	struct client *clients = get_memory((size_t)most * sizeof(*clients));
	char octet;
	long n;

	for (n = 0; n < most; n++)
		if (!open_client(&clients[n]) ||
		    read_reply(&clients[n]) != 220 ||
		    !ask(&clients[n], "EHLO client.example\r\n", 250))
			break;
	printf("{\"sessions\": %ld}\n", n);
	fflush(stdout);
	while (read(STDIN_FILENO, &octet, 1) > 0)
		;
	while (n > 0)
		close(clients[--n].fd);
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	int option;

	while (argc > 1 &&
	    (option = getopt(argc - 1, argv + 1,
		 "+n:t:c:m:r:u:a:w:s:b:k:p:S")) != -1)
		switch (option) {
		case 'n':
			most = atol(optarg);
			break;
		case 't':
			seconds = atof(optarg);
			break;
		case 'c':
			at_once = atoi(optarg);
			break;
		case 'm':
			per_session = atoi(optarg);
			break;
		case 'r':
			recipients = atoi(optarg);
			break;
		case 'u':
			users = atoi(optarg);
			break;
		case 'a':
			address = optarg;
			break;
		case 'w':
			mailbox = optarg;
			break;
		case 's':
			octets = atol(optarg);
			break;
		case 'b':
			kind = optarg;
			break;
		case 'k':
			patience = atoi(optarg);
			break;
		case 'p':
			port = atoi(optarg);
			break;
		case 'S':
			pair = true;
			break;
		default:
			return (2);
		}
	signal(SIGPIPE, SIG_IGN);
	command = argc > 1 ? argv + 1 + optind : argv;
	if (port == 0 && (argc < 2 || command[0] == NULL))
		what = "";
	if (strcmp(what, "session") == 0)
		run_sessions();
	else if (strcmp(what, "load") == 0)
		run_load();
	else if (strcmp(what, "idle") == 0)
		hold_sessions();
	else
		return (2);
	return (0);
}

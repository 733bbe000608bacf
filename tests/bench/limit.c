/* SPDX-License-Identifier: ISC */
/*
 * limit - the least that a receiver of in.smtpd's design can do.
 *
 *	limit [-2] [-s] -d PATTERN [-w DIRECTORY]
 *
 * A yardstick and no mail server: it checks nothing, logs nothing, writes
 * no header of its own, and takes any local part for a user.  What is left
 * is what cannot be left out: read lines, answer, take dots off, quote From_
 * lines, hold the message, lock the mailbox both ways, append, sync.
 *
 * -d	mailboxes, %u being the local part
 * -2	a child speaks SMTP and the parent delivers, as in.smtpd does it
 * -s	Landlock and a seccomp filter for each process that there is
 * -w	the directory of the file that holds what memory does not
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>

#define INPUT	   65536 /* octets read at once, and the longest line */
#define MEMORY	   262144 /* octets of a message that need no file */
#define MOST_USERS 100
#define NAME_SIZE  64

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#else
#error "add the number of this architecture from linux/audit.h"
#endif

/* A message to be delivered; with no user, a wish for the spool. */
struct request {
	size_t in_memory; /* octets of the message, after those in */
	size_t in_file; /* the spool */
	int count;
	char sender[256];
	char users[MOST_USERS][NAME_SIZE];
};

#define REQUEST_SIZE(count) \
	(offsetof(struct request, users) + (size_t)(count)*NAME_SIZE)

static const char *pattern;
static const char *spool_directory = "/var/tmp";
static struct request request;
static char *memory;
static int spool = -1;
static int channel = -1;
static char input[INPUT], output[4096];
static size_t input_from, input_to, output_length;

_Noreturn static void
die(const char *what)
{
	fprintf(stderr, "limit: %s: %s\n", what, strerror(errno));
	_exit(1);
}

static void
write_all(int fd, const char *at, size_t length)
{
	ssize_t n;

	for (; length > 0; at += n, length -= (size_t)n)
		if ((n = write(fd, at, length)) == -1)
			die("write");
}

/* -------------------------------------------------------- the mailbox */

static void
open_spool(void)
{
	spool = open(spool_directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (spool == -1)
		die(spool_directory);
}

/* Another program can have it for a moment; who holds it longer has died. */
static bool
lock_mailbox(int fd, const char *dotlock)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct timespec pause = { 0, 1000000 };
	char name[640], pid[16];
	int tries, file;

	if (fcntl(fd, F_SETLKW, &lock) == -1)
		return (false);
	snprintf(name, sizeof(name), "%s.%d", dotlock, (int)getpid());
	file = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (file == -1)
		return (false);
	write_all(file, pid,
	    (size_t)snprintf(pid, sizeof(pid), "%d\n", (int)getpid()));
	close(file);
	for (tries = 0; link(name, dotlock) == -1; tries++) {
		if (errno != EEXIST || tries > 5000)
			return (false);
		nanosleep(&pause, NULL);
	}
	unlink(name);
	return (true);
}

static bool
append_message(int fd)
{
	char head[400];
	time_t now = time(NULL);
	int length = snprintf(head, sizeof(head), "From %s %.24s\n",
	    request.sender[0] ? request.sender : "MAILER-DAEMON",
	    asctime(gmtime(&now)));
	struct iovec parts[3] = { { head, (size_t)length },
		{ memory, request.in_memory }, { (char[]){ "\n" }, 1 } };
	off_t at = 0;

	if (request.in_file == 0)
		return (writev(fd, parts, 3) ==
		    length + (ssize_t)request.in_memory + 1);
	/* sendfile(2) takes no file that is open for appending. */
	lseek(fd, 0, SEEK_END);
	write_all(fd, head, (size_t)length);
	while ((size_t)at < request.in_file)
		if (sendfile(fd, spool, &at, request.in_file - (size_t)at) <= 0)
			return (false);
	return (writev(fd, parts + 1, 2) == (ssize_t)request.in_memory + 1);
}

static bool
deliver_to(const char *user)
{
	const char *place = strstr(pattern, "%u");
	char path[512], dotlock[520];
	bool done;
	int fd;

	snprintf(path, sizeof(path), "%.*s%s%s", (int)(place - pattern),
	    pattern, user, place + 2);
	snprintf(dotlock, sizeof(dotlock), "%s.lock", path);
	fd = open(path,
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC |
		(request.in_file == 0 ? O_APPEND : 0),
	    0660);
	if (fd == -1 || !lock_mailbox(fd, dotlock))
		return (false);
	done = append_message(fd) && fsync(fd) == 0;
	unlink(dotlock);
	close(fd);
	return (done);
}

static bool
deliver(void)
{
	bool done = true;
	int i;

	for (i = 0; i < request.count && done; i++)
		done = deliver_to(request.users[i]);
	return (done);
}

/* --------------------------------------------------- the two processes */

static void
send_spool(void)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .space = { 0 } };
	struct iovec part = { (char[]){ "s" }, 1 };
	struct msghdr message = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };

	control.head.cmsg_len = CMSG_LEN(sizeof(int));
	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(&control.head), &spool, sizeof(int));
	if (sendmsg(channel, &message, 0) != 1)
		die("sendmsg");
}

static void
receive_spool(void)
{
	char octet;
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = { &octet, 1 };
	struct msghdr message = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };

	if (recvmsg(channel, &message, MSG_CMSG_CLOEXEC) != 1)
		die("recvmsg");
	memcpy(&spool, CMSG_DATA(&control.head), sizeof(int));
}

/* The parent; waiting for the child adds its work to what is measured. */
_Noreturn static void
serve_requests(void)
{
	char done;

	while (recv(channel, &request, sizeof(request), 0) > 0) {
		if (request.count == 0) {
			open_spool();
			send_spool();
			continue;
		}
		done = deliver() ? 'y' : 'n';
		send(channel, &done, 1, MSG_NOSIGNAL);
	}
	wait(NULL);
	_exit(0);
}

static void
need_spool(void)
{
	if (channel == -1) {
		open_spool();
		return;
	}
	request.count = 0;
	if (send(channel, &request, REQUEST_SIZE(0), MSG_NOSIGNAL) == -1)
		die("send");
	receive_spool();
}

static bool
hand_over(void)
{
	char done = 'n';

	if (channel == -1)
		return (deliver());
	if (send(channel, &request, REQUEST_SIZE(request.count),
		MSG_NOSIGNAL) == -1 ||
	    recv(channel, &done, 1, 0) != 1)
		die("the deliverer");
	return (done == 'y');
}

/* -------------------------------------------------------- confinement */

#ifdef SYS_open /* what some libraries call, and some machines lack */
#define OLD_CALLS SYS_open, SYS_link, SYS_unlink
#else
#define OLD_CALLS SYS_openat, SYS_linkat, SYS_unlinkat
#endif

/* Calls of both; then those of whoever delivers. */
static const int calls[] = { SYS_read, SYS_write, SYS_recvfrom, SYS_sendto,
	SYS_recvmsg, SYS_lseek, SYS_exit_group, SYS_close, SYS_writev,
	SYS_fcntl, OLD_CALLS, SYS_openat, SYS_linkat, SYS_unlinkat, SYS_fsync,
	SYS_sendfile, SYS_getpid, SYS_nanosleep, SYS_clock_nanosleep,
	SYS_clock_gettime, SYS_sendmsg, SYS_wait4 };
#define SESSION_CALLS 7
#define ALL_CALLS     (int)(sizeof(calls) / sizeof(calls[0]))

static void
filter_calls(int count)
{
	struct sock_filter filter[ALL_CALLS + 5] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 0,
		    (uint8_t)(count + 1)),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
	};
	struct sock_fprog program = { (unsigned short)(count + 5), filter };
	int i;

	for (i = 0; i < count; i++)
		filter[3 + i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ |
			BPF_K,
		    (uint32_t)calls[i], (uint8_t)(count - i), 0);
	filter[3 + count] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
	    SECCOMP_RET_KILL_PROCESS);
	filter[4 + count] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
	    SECCOMP_RET_ALLOW);
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == -1)
		die("seccomp");
}

static void
allow_below(int rules, const char *path)
{
	struct landlock_path_beneath_attr rule = {
		.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE |
		    LANDLOCK_ACCESS_FS_WRITE_FILE |
		    LANDLOCK_ACCESS_FS_REMOVE_FILE |
		    LANDLOCK_ACCESS_FS_MAKE_REG,
		.parent_fd = open(path, O_PATH | O_CLOEXEC),
	};

	if (rule.parent_fd == -1 ||
	    syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH,
		&rule, 0) == -1)
		die(path);
	close(rule.parent_fd);
}

/* Which process is it?  One that delivers reaches two directories. */
static void
confine(bool delivers)
{
	struct landlock_ruleset_attr all = {
		.handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1
	};
	char directory[512];
	int rules;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		die("no_new_privs");
	rules = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);
	if (rules == -1)
		die("Landlock");
	if (delivers) {
		snprintf(directory, sizeof(directory), "%.*s",
		    (int)(strrchr(pattern, '/') - pattern), pattern);
		allow_below(rules, directory);
		allow_below(rules, spool_directory);
	}
	if (syscall(SYS_landlock_restrict_self, rules, 0) == -1)
		die("Landlock");
	close(rules);
	filter_calls(delivers ? ALL_CALLS : SESSION_CALLS);
}

/* -------------------------------------------------------- the session */

static void
flush(void)
{
	write_all(STDOUT_FILENO, output, output_length);
	output_length = 0;
}

static void
say(const char *text)
{
	size_t length = strlen(text);

	if (output_length + length > sizeof(output))
		flush();
	memcpy(output + output_length, text, length);
	output_length += length;
}

/* The next line with its LF; NULL at the end.  Replies go out before it. */
static char *
read_line(size_t *length)
{
	char *at, *end;
	ssize_t n;

	for (;;) {
		at = input + input_from;
		end = memchr(at, '\n', input_to - input_from);
		if (end != NULL) {
			*length = (size_t)(end + 1 - at);
			input_from += *length;
			return (at);
		}
		if (input_from > 0) {
			memmove(input, at, input_to - input_from);
			input_to -= input_from;
			input_from = 0;
		}
		if (output_length > 0)
			flush();
		n = read(STDIN_FILENO, input + input_to, INPUT - input_to);
		if (n <= 0)
			return (NULL);
		input_to += (size_t)n;
	}
}

static void
spill(void)
{
	if (spool == -1)
		need_spool();
	if (request.in_file == 0)
		lseek(spool, 0, SEEK_SET);
	write_all(spool, memory, request.in_memory);
	request.in_file += request.in_memory;
	request.in_memory = 0;
}

static bool
receive_data(void)
{
	int count = request.count;
	size_t length;
	char *line, *text;

	request.in_memory = request.in_file = 0;
	while ((line = read_line(&length)) != NULL) {
		if (*line == '.') {
			if (length == 3 && line[1] == '\r') {
				request.count = count;
				return (true);
			}
			line++;
			length--;
		}
		for (text = line; *text == '>'; text++)
			;
		if (*text == 'F' && memcmp(text, "From ", 5) == 0)
			memory[request.in_memory++] = '>';
		memcpy(memory + request.in_memory, line, length);
		request.in_memory += length;
		if (length > 1 && line[length - 2] == '\r')
			memory[--request.in_memory - 1] = '\n';
		if (request.in_memory > MEMORY)
			spill();
	}
	return (false);
}

/* What is between < and the next of these. */
static void
copy_path(char *to, size_t size, const char *line, const char *end)
{
	const char *from = memchr(line, '<', INPUT);
	size_t length = from == NULL ? 0 : strcspn(++from, end);

	snprintf(to, size, "%.*s", (int)length, from == NULL ? "" : from);
}

static void
obey(char *line)
{
	if (strncasecmp(line, "EHLO", 4) == 0) {
		say("250-limit.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n");
	} else if (strncasecmp(line, "MAIL", 4) == 0) {
		request.count = 0;
		copy_path(request.sender, sizeof(request.sender), line, ">\r");
		say("250 ok\r\n");
	} else if (strncasecmp(line, "RCPT", 4) == 0) {
		if (request.count < MOST_USERS)
			copy_path(request.users[request.count++], NAME_SIZE,
			    line, "@>\r");
		say("250 ok\r\n");
	} else if (strncasecmp(line, "DATA", 4) == 0) {
		say("354 go on\r\n");
		if (!receive_data())
			_exit(1);
		say(hand_over() ? "250 stored\r\n" : "451 failed\r\n");
	} else if (strncasecmp(line, "QUIT", 4) == 0) {
		say("221 bye\r\n");
		flush();
		_exit(0);
	} else {
		say("500 what?\r\n");
	}
}

int
main(int argc, char **argv)
{
	bool two = false, confined = false;
	char *line;
	size_t length;
	int ends[2], option;

	while ((option = getopt(argc, argv, "2sd:w:")) != -1)
		switch (option) {
		case '2':
			two = true;
			break;
		case 's':
			confined = true;
			break;
		case 'd':
			pattern = optarg;
			break;
		case 'w':
			spool_directory = optarg;
			break;
		default:
			return (2);
		}
	if (pattern == NULL || strstr(pattern, "%u") == NULL ||
	    strchr(pattern, '/') == NULL)
		return (2);
	memory = mmap(NULL, MEMORY + INPUT + 1, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		die("mmap");
	if (two) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
			ends) == -1)
			die("socketpair");
		switch (fork()) {
		case -1:
			die("fork");
		case 0:
			channel = ends[1];
			close(ends[0]);
			break;
		default:
			channel = ends[0];
			close(ends[1]);
			close(STDIN_FILENO);
			close(STDOUT_FILENO);
			if (confined)
				confine(true);
			serve_requests();
		}
	}
	if (confined)
		confine(!two);
	say("220 limit.example ESMTP\r\n");
	while ((line = read_line(&length)) != NULL)
		obey(line);
	return (0);
}

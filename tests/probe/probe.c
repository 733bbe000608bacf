/* SPDX-License-Identifier: ISC */
/*
 * What a process that was taken over would try, for tests/confinement.sh:
 * linked into the program around its two confine functions.
 *
 *	PROBE=PROCESS:ATTEMPT	what is tried behind the real function
 *	UNCONFINED=1		without it, to see that the attempts succeed
 *
 * The attempt's outcome goes to descriptor 2 as `ATTEMPT: done` or the
 * error, and the process ends.
 */
#include "confine.h"

#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

unsigned int	__real_confine_session(bool writes_files);
unsigned int	__wrap_confine_session(bool writes_files);
bool	__real_confine_deliverer(const char *const *directories,
	    const char *devices, unsigned int *missing);
bool	__wrap_confine_deliverer(const char *const *directories,
	    const char *devices, unsigned int *missing);

static int
try_open(void)
{
	close(STDIN_FILENO);	/* a number below the limit is free */
	return (open("/etc/passwd", O_RDONLY));
}

static int
try_create(void)
{
	close(STDIN_FILENO);
	return (open(getenv("ELSEWHERE"), O_WRONLY | O_CREAT, 0600));
}

static int
try_mailbox(void)
{
	return (open(getenv("MAILBOX"), O_RDWR | O_CREAT, 0600));
}

static int
try_connect(void)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = 1,
	    .sin_addr.s_addr = 0x0100007f };
	int fd;

	close(STDIN_FILENO);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd == -1)
		return (-1);
	/* Nobody listens there: that much was let through. */
	return (connect(fd, (struct sockaddr *)&name, sizeof(name)) == -1 &&
		    errno != ECONNREFUSED ?
		-1 :
		0);
}

static int
try_socket(void)
{
	return (socket(AF_INET, SOCK_STREAM, 0));
}

static int
try_descriptor(void)
{
	return (dup(STDERR_FILENO));
}

static int
try_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return (pid == -1 || waitpid(pid, NULL, 0) == -1 ? -1 : 0);
}

static int
try_root(void)
{
	return (setresuid(0, 0, 0) == 0 && chown("/", 0, 0) == 0 ? 0 : -1);
}

static int
try_chroot(void)
{
	return (chroot("/"));
}

static int
try_exec(void)
{
	static char *const arguments[] = { "true", NULL };

	return (execv("/bin/true", arguments));
}

static int
try_mount(void)
{
	return (mount("none", "/mnt", "tmpfs", 0, NULL));
}

static int
try_ptrace(void)
{
	return ((int)ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int
try_signal(void)
{
	return (kill(atoi(getenv("SOMEBODY")), 0));
}

static int
try_memory(void)
{
	return (mmap(NULL, 65536, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0) == MAP_FAILED ?
		-1 :
		0);
}

static const struct {
	const char	*name;
	int		 (*attempt)(void);
} attempts[] = {
	{ "open", try_open }, { "create", try_create },
	{ "mailbox", try_mailbox }, { "connect", try_connect },
	{ "socket", try_socket }, { "descriptor", try_descriptor },
	{ "fork", try_fork }, { "root", try_root }, { "chroot", try_chroot },
	{ "exec", try_exec }, { "mount", try_mount },
	{ "ptrace", try_ptrace }, { "signal", try_signal },
	{ "memory", try_memory },
};

static void
probe(const char *process)
{
	const char *wanted = getenv("PROBE");
	size_t length = strlen(process), i;
	char text[128];
	int n;

	if (wanted == NULL || strncmp(wanted, process, length) != 0 ||
	    wanted[length] != ':')
		return;
	for (i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		if (strcmp(wanted + length + 1, attempts[i].name) != 0)
			continue;
		n = attempts[i].attempt();
		n = snprintf(text, sizeof(text), "%s: %s\n", attempts[i].name,
		    n >= 0 ? "done" : strerror(errno));
		(void)!write(STDERR_FILENO, text, (size_t)n);
		_exit(0);
	}
}

unsigned int
__wrap_confine_session(bool writes_files)
{
	unsigned int missing = getenv("UNCONFINED") != NULL ? 0 :
	    __real_confine_session(writes_files);

	probe("session");
	return (missing);
}

bool
__wrap_confine_deliverer(const char *const *directories, const char *devices, unsigned int *missing)
{
	bool done = true;

	*missing = 0;
	if (getenv("UNCONFINED") == NULL)
		done = __real_confine_deliverer(directories, devices, missing);
	probe("deliverer");
	return (done);
}

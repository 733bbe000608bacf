/* SPDX-License-Identifier: ISC */
#include "confine.h"

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

/* What the session polls: the client, and the other process. */
#define POLLED		2

/* The session's deepest calls take less. */
#define STACK_NEEDED	(128 * 1024)

bool
forbid_new_privileges(void)
{
	(void)landlock_version();
	return (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
}

/* ------------------------------------------------------------- seccomp */

#if defined(__x86_64__)
#define ARCHITECTURE	AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE	AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCHITECTURE	AUDIT_ARCH_RISCV64
#else
#define ARCHITECTURE	0	/* its calls are not known here: no filter */
#endif

/* What a tracer puts in place of a call that it holds back. */
#define NO_CALL		(-1)

/* All that the session can do. */
static const int session_calls[] = {
	SYS_ppoll,		/* wait for the client, or the deliverer */
	SYS_read,		/* the client */
	SYS_sendto,		/* replies, requests, the log */
	SYS_recvfrom,		/* the deliverer's answers */
	SYS_write,		/* replies and the log, where they are files */
	SYS_shutdown,		/* so that the last reply arrives */
	SYS_clock_gettime,	/* where it is a system call */
	SYS_rt_sigreturn, SYS_exit_group, NO_CALL
};

/*
 * The deliverer's, and liblockfile's.  No exec, no new process, no socket,
 * no mount, no ptrace: nothing that leads out of here.
 */
static const int deliverer_calls[] = { SYS_recvfrom, SYS_sendto, SYS_write,
	SYS_ppoll,
	/* another's ids */
	SYS_setresuid, SYS_setresgid, SYS_setreuid, SYS_setregid, SYS_getuid,
	SYS_geteuid, SYS_getgid, SYS_getegid,
	/* mailboxes, locks, the spool */
	SYS_openat, SYS_close, SYS_fcntl, SYS_fstat, SYS_newfstatat, SYS_statx,
	SYS_fstatfs, SYS_statfs, SYS_faccessat2, SYS_faccessat, QUOTACTL_FD,
	SYS_prlimit64, SYS_read, SYS_pread64, SYS_lseek, SYS_writev,
	SYS_pwrite64, SYS_fsync, SYS_ftruncate, SYS_utimensat, SYS_linkat,
	SYS_unlinkat, SYS_getpid, SYS_getppid, SYS_kill, SYS_uname, SYS_ioctl,
#ifdef SYS_open
	SYS_open, SYS_stat, SYS_lstat, SYS_link, SYS_unlink, SYS_access,
	SYS_utime, SYS_utimes, SYS_poll, SYS_getrlimit, SYS_setrlimit, SYS_time,
#endif
	/* waiting */
	SYS_clock_nanosleep, SYS_nanosleep, SYS_setitimer, SYS_clock_gettime,
	SYS_gettimeofday, SYS_rt_sigaction, SYS_rt_sigprocmask,
	SYS_rt_sigreturn, SYS_restart_syscall,
	/* the C library's memory and randomness */
	SYS_brk, SYS_mmap, SYS_munmap, SYS_getrandom, SYS_exit_group, NO_CALL };

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))
#define MOST_CALLS	COUNT(deliverer_calls)

#ifdef CONFINE_WITHOUT_SECCOMP
/* Sanitizers and valgrind live within the process, and call for more. */
enum { TIGHT = 0 };
#else
enum { TIGHT = 1 };
#endif

/*
 * From now on CALLS are allowed, and any other gets what OTHERWISE says.
 *
 * A filter that the kernel can foresee is walked through when it is put in
 * place, once for each call that there is, so as to have the answers ready:
 * that takes longer than all calls of a session.  It does not follow a TAX.
 */
static bool
install_filter(const int *calls, size_t count, uint32_t otherwise)
{
	struct sock_filter filter[MOST_CALLS + 7] = {
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
	};
	struct sock_fprog program = { (unsigned short)(count + 7), filter };
	size_t i;

	if (!TIGHT || ARCHITECTURE == 0)
		return (!TIGHT);
	for (i = 0; i < count; i++)	/* to the last line, which allows */
		filter[5 + i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ |
			BPF_K,
		    (uint32_t)calls[i], (uint8_t)(count - i), 0);
	filter[5 + count] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
	    otherwise);
	filter[6 + count] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
	    SECCOMP_RET_ALLOW);
	return (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

bool
has_seccomp(void)
{
	uint32_t action = SECCOMP_RET_KILL_PROCESS;

	return (ARCHITECTURE != 0 && TIGHT &&
	    syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0);
}

/* ------------------------------------------------------------ Landlock */

/*
 * Of <linux/landlock.h>, which on many a system that builds this is older
 * than the kernel that it will run on.
 */
struct ruleset {
	uint64_t	files, network, scope;
};

struct rule {
	uint64_t	allowed;
	int32_t		directory;
} __attribute__((packed));

#define CREATE_RULESET	444
#define ADD_RULE	445
#define RESTRICT_SELF	446
#define ASK_VERSION	1	/* a flag of the first */
#define PATH_BENEATH	1	/* a kind of rule */

/* What can be done to files, by number of its bit. */
enum {
	WRITE_FILE = 1,
	READ_FILE = 2,
	READ_DIRECTORY = 3,
	REMOVE_FILE = 5,
	MAKE_FILE = 8,
	TRUNCATE = 14,
	DEVICE_IOCTL = 15
};
#define BIT(n)		((uint64_t)1 << (n))

int
landlock_version(void)
{
	static long version = -1;	/* asked for before the fork */

	if (version == -1)
		version = syscall(CREATE_RULESET, NULL, 0, ASK_VERSION);
	if (version == -1)
		version = 0;
	return ((int)version);
}

/* All that this version can forbid. */
static struct ruleset
everything(int version)
{
	/* Versions 2, 3 and 5 brought one more each. */
	int bits = 13 + (version >= 2) + (version >= 3) + (version >= 5);

	return ((struct ruleset){ .files = BIT(bits) - 1,
	    .network = version >= 4 ? 3 : 0,	/* bind, connect: TCP */
	    .scope = version >= 6 ? 3 : 0 });	/* sockets' names, signals */
}

/* Before version 4 or 6 the structure ended sooner. */
static size_t
ruleset_size(int version)
{
	return ((version >= 6	     ? 3U :
			version >= 4 ? 2U :
				       1U) *
	    sizeof(uint64_t));
}

static bool
allow_beneath(int ruleset, const char *directory, uint64_t allowed)
{
	struct rule rule = { .allowed = allowed,
	    .directory = open(directory, O_PATH | O_DIRECTORY) };
	bool done;

	if (rule.directory == -1)	/* what is not there is not reached */
		return (true);
	done = syscall(ADD_RULE, ruleset, PATH_BENEATH, &rule, 0) == 0;
	close(rule.directory);
	return (done);
}

/* Forbid all but what is allowed beneath DIRECTORIES, and terminals. */
static bool
restrict_files(const char *const *directories, uint64_t allowed,
    const char *devices)
{
	int version = landlock_version(), fd;
	struct ruleset all = everything(version);
	bool done;

	fd = version == 0 ?
	    -1 :
	    (int)syscall(CREATE_RULESET, &all, ruleset_size(version), 0);
	if (fd == -1)
		return (false);
	for (done = true; done && *directories != NULL; directories++)
		done = allow_beneath(fd, *directories, allowed & all.files);
	if (done && devices != NULL)
		done = allow_beneath(fd, devices,
		    (BIT(WRITE_FILE) | BIT(DEVICE_IOCTL)) & all.files);
	done = done && syscall(RESTRICT_SELF, fd, 0) == 0;
	close(fd);
	return (done);
}

/* ------------------------------------------------------ both processes */

static void
touch_deep_stack(void)
{
	volatile char deepest[STACK_NEEDED];

	deepest[0] = '\0';
	(void)deepest[0];
}

/*
 * The stack is a part of the address space: it has to be there before that
 * is limited.  The kernel begins with 128 KiB, from which it takes the lists
 * of arguments and of the environment; where these are long, make more.
 */
static void
extend_stack(void)
{
	char **last = environ;
	char here;

	while (*last != NULL)
		last++;
	if ((uintptr_t)last - (uintptr_t)&here > STACK_NEEDED / 2)
		touch_deep_stack();
}

/* The other layers hold without these. */
static void
limit_resources(bool writes_files)
{
	static const struct rlimit none = { 0, 0 }, few = { POLLED, POLLED };

	(void)setrlimit(RLIMIT_NPROC, &none);
	(void)setrlimit(RLIMIT_NOFILE, &few);
	if (!writes_files)
		(void)setrlimit(RLIMIT_FSIZE, &none);
	extend_stack();
	if (TIGHT)
		(void)setrlimit(RLIMIT_AS, &none); /* no more than it has */
}

unsigned int
confine_session(bool writes_files)
{
	static const char *const nowhere[] = { NULL };
	unsigned int missing = 0;

	if (!restrict_files(nowhere, 0, NULL))
		missing |= LANDLOCK;
	limit_resources(writes_files);
	if (!install_filter(session_calls, COUNT(session_calls),
		SECCOMP_RET_KILL_PROCESS))
		missing |= SECCOMP;
	return (missing);
}

/* Root keeps the right to take users' ids; others have none to keep. */
static bool
keep_capabilities(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct sets[2] = { { 0, 0, 0 }, { 0, 0, 0 } };

	if (geteuid() == 0)
		sets[0].effective = sets[0].permitted = 1U << CAP_SETUID |
		    1U << CAP_SETGID;
	return (syscall(SYS_capset, &head, sets) == 0);
}

bool
confine_deliverer(const char *const *directories, const char *devices,
    unsigned int *missing)
{
	*missing = 0;
	if (!restrict_files(directories,
		BIT(WRITE_FILE) | BIT(READ_FILE) | BIT(READ_DIRECTORY) |
		    BIT(REMOVE_FILE) | BIT(MAKE_FILE) | BIT(TRUNCATE),
		devices))
		*missing |= LANDLOCK;
	if (!keep_capabilities())
		return (false);
	/* It is not killed, since it may be in the middle of a mailbox. */
	if (!install_filter(deliverer_calls, COUNT(deliverer_calls),
		SECCOMP_RET_ERRNO | EPERM))
		*missing |= SECCOMP;
	return (true);
}

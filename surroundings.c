/* SPDX-License-Identifier: ISC */
#include "surroundings.h"

#include "aliases.h"
#include "confine.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int	report_fd;
static bool	all_well;

__attribute__((format(printf, 1, 2))) static void
report(const char *format, ...)
{
	va_list list;

	all_well = false;
	dprintf(report_fd, "in.smtpd: ");
	va_start(list, format);
	vdprintf(report_fd, format, list);
	va_end(list);
	dprintf(report_fd, "\n");
}

void
print_layers(int fd)
{
	int version = landlock_version();

	if (version > 0)
		dprintf(fd, "# Landlock: version %d\n", version);
	else
		dprintf(fd, "# Landlock: not here\n");
	dprintf(fd, "# seccomp: %s\n", has_seccomp() ? "yes" : "not here");
}

static void
check_chroot(void)
{
	if (settings.chroot[0] == '\0')
		return;
	if (geteuid() != 0)
		report("chroot needs root: start it as root, or set "
		    "\"chroot none\"");
	else if (chdir(settings.chroot) == -1 || chroot(".") == -1)
		report("chroot %s: %s; make that directory", settings.chroot,
		    strerror(errno));
}

static void
check_users(void)
{
	struct slice list = slice_of(settings.user), word;
	struct user user;
	uint64_t number;

	if (!open_users(settings.passwd)) {
		report("passwd %s: %s; everybody gets 451 until it can be "
		       "read",
		    settings.passwd, strerror(errno));
		return;
	}
	if (geteuid() != 0)
		return;
	while (next_word(&list, &word)) {
		if (parse_number(word, &number))
			user.uid = (uid_t)number;
		else if (!find_account(word, &user))
			continue;
		if (user.uid == 0)
			report("user %.*s is root; the session must not be",
			    (int)word.length, word.at);
		return;
	}
	report("user %s: none of them is in %s; add one with useradd "
	       "--system",
	    settings.user, settings.passwd);
}

/* That the default is not there is nothing wrong. */
static void
check_aliases(void)
{
	struct slice entry;
	const char *reason;
	struct stat st;
	size_t i = 0;

	if (!open_aliases(settings.aliases))
		report("aliases %s: %s; everybody gets 451 until it can be "
		       "read",
		    settings.aliases, strerror(errno));
	else if (settings.aliases[0] != '\0' &&
	    strcmp(settings.aliases, ALIASES_FILE) != 0 &&
	    stat(settings.aliases, &st) == -1)
		report("aliases %s: %s; make it, or set \"aliases none\"",
		    settings.aliases, strerror(errno));
	if (aliases_are_open_to_others())
		report("aliases %s: its group or others can write to it, "
		       "and so get anybody's mail; chmod 644 it",
		    settings.aliases);
	while (next_bad_include(&i, &entry, &reason))
		report("aliases %s: %.*s: %s", settings.aliases,
		    (int)entry.length, entry.at, reason);
}

static void
check_spool(void)
{
	struct stat st;

	if (stat(settings.spool, &st) == -1 ||
	    access(settings.spool, W_OK | X_OK) == -1)
		report("spool %s: %s; it has to be a directory that can be "
		       "written",
		    settings.spool, strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		report("spool %s is no directory", settings.spool);
}

/* The directory of all mailboxes, where there is one. */
static void
check_mail_directory(void)
{
	const char *slash = strrchr(settings.mailbox, '/');
	char path[512];
	struct stat st;
	int length = (int)(slash - settings.mailbox);

	if (length == 0 || (size_t)length >= sizeof(path) ||
	    memchr(settings.mailbox, '%', (size_t)length) != NULL)
		return;
	snprintf(path, sizeof(path), "%.*s", length, settings.mailbox);
	if (stat(path, &st) == -1)
		report("mailbox directory %s: %s; mkdir -m 2775 it, and "
		       "chgrp mail",
		    path, strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		report("mailbox directory %s is no directory", path);
	else if (geteuid() == 0 && st.st_uid == 0 &&
	    (st.st_mode & (S_IWGRP | S_IWOTH)) == 0)
		report("mailbox directory %s: its group cannot write to it, "
		    "so users cannot lock there; chgrp mail and chmod 2775 "
		       "it",
		    path);
	else if (geteuid() != 0 && access(path, W_OK | X_OK) == -1)
		report("mailbox directory %s: %s; only root, or its group, "
		       "can lock there",
		    path, strerror(errno));
}

static void
check_terminals(void)
{
	if (settings.terminals && access(settings.utmp, R_OK) == -1)
		report("utmp %s: %s; nobody is found at a terminal until it "
		       "can be read",
		    settings.utmp, strerror(errno));
}

static void
check_log(void)
{
	struct stat st;

	if (settings.log == TO_SYSLOG &&
	    (stat("/dev/log", &st) == -1 || !S_ISSOCK(st.st_mode)))
		report("log syslog: there is no /dev/log; start a syslogd, "
		    "or set \"log stderr\"");
}

bool
check_surroundings(int fd)
{
	report_fd = fd;
	all_well = true;
	check_log();		/* opened before the chroot */
	check_chroot();
	check_users();
	check_aliases();
	check_spool();
	check_mail_directory();
	check_terminals();
	return (all_well);
}

#!/bin/sh
# SPDX-License-Identifier: ISC
# A storm: many sessions into a few mailboxes that other programs read, append to and rewrite.
# What takes part, and what is counted, tests/storm says.  `make soak` has a longer one.
#
# The second test shows that the first one can fail: there the receiver locks nothing.
# shellcheck source=tests/lib.sh
. "${TESTS:-${0%/*}/..}/lib.sh"
export TESTS
SHUNIT_PARENT=$TESTS/peers/storm.sh

# procmail knows its user from /etc/passwd only, so ours is put there, for these processes.
storm() {
	rm -rf "$SCRATCH/journals" "$SCRATCH/logs" "$SCRATCH/stop"
	# shellcheck disable=SC2016,SC2086 # sh shall expand these; many words
	unshare -m sh -c 'mount --bind "$PASSWD" /etc/passwd && exec "$TESTS/storm" "$@"' storm \
	    "$@" -- $WRAP "$BIN" $USUAL -o lock-timeout=30s
}

there() {
	need_root && need procmail && need mutt_dotlock && need dotlockfile || return 1
	[ -x "$TESTS/../build/packages/dovecot-imapd/usr/lib/dovecot/imap" ] ||
		{ skip 'Dovecot is not there'; return 1; }
	unshare -m mount --bind "$PASSWD" /etc/passwd 2>/dev/null ||
		{ skip 'no mounts here'; return 1; }
}

test_in_a_storm_nothing_is_lost_doubled_or_torn_and_nobody_waits_for_ever() {
	there || return 0
	# shellcheck disable=SC2086 # many words
	storm ${STORM:--n 200 -j 6} || fail 'see above'
}

# A library before the C library and liblockfile that finds every lock free.
test_a_receiver_that_does_not_lock_is_found_out() {
	there && need cc || return 0
	cat >"$SCRATCH/unlocked.c" <<-'EOF'
	#include <stdarg.h>
	#include <sys/syscall.h>
	#include <fcntl.h>
	#include <unistd.h>
	static int unlocked(int fd, int what, long argument)
	{
		return (what == F_SETLK ? 0 : (int)syscall(SYS_fcntl, fd, what, argument));
	}
	int fcntl(int fd, int what, ...)
	{
		va_list list;
		va_start(list, what);
		long argument = va_arg(list, long);
		va_end(list);
		return (unlocked(fd, what, argument));
	}
	int fcntl64(int, int, ...) __attribute__((alias("fcntl")));
	int lockfile_create(const char *path, int retries, int flags)
	{
		(void)path, (void)retries, (void)flags;
		return (0);
	}
	int lockfile_remove(const char *path)
	{
		(void)path;
		return (0);
	}
	EOF
	cc -shared -fPIC -O -o "$SCRATCH/unlocked.so" "$SCRATCH/unlocked.c" 2>&1 ||
		{ fail 'the library cannot be made'; return; }
	# A static program cannot be told so.
	_bin=$BIN BIN=$TESTS/../build/shared/in.smtpd
	[ -x "$BIN" ] || { fail 'make build/shared/in.smtpd first'; return; }
	WRAP="env LD_PRELOAD=$SCRATCH/unlocked.so"
	if storm -n 60 -j 6 >"$SCRATCH/found" 2>&1; then
		fail 'nobody noticed'
	fi
	WRAP='' BIN=$_bin
	# Who comes first is chance: one who holds the locks, or the count at the end.
	grep -Eq 'is there [0-9]+ times|not whole|was changed under our lock' "$SCRATCH/found" ||
		{ cat "$SCRATCH/found"; fail 'it failed, but not for that'; }
}

# shellcheck disable=SC1091
. shunit2

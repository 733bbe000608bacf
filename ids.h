/* SPDX-License-Identifier: ISC */
/*
 * How does a process change its ids?  By the system calls themselves: a C
 * library's functions hold back all signals first, or look for threads to
 * take along, and there are none.  Each returns false with errno.
 */
#ifndef IDS_H
#define IDS_H

#include <sys/syscall.h>
#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

/* Where ids once had 16 bits, these are the calls for all of them. */
#ifdef SYS_setresuid32
#define SET_UIDS	SYS_setresuid32
#define SET_GIDS	SYS_setresgid32
#define SET_GROUPS	SYS_setgroups32
#else
#define SET_UIDS	SYS_setresuid
#define SET_GIDS	SYS_setresgid
#define SET_GROUPS	SYS_setgroups
#endif

static inline bool
set_effective_uid(uid_t uid)
{
	return (syscall(SET_UIDS, -1, uid, -1) == 0);
}

static inline bool
set_effective_gid(gid_t gid)
{
	return (syscall(SET_GIDS, -1, gid, -1) == 0);
}

/* Real, effective and saved; both of them, the group first. */
static inline bool
set_all_ids(uid_t uid, gid_t gid)
{
	return (syscall(SET_GIDS, gid, gid, gid) == 0 &&
	    syscall(SET_UIDS, uid, uid, uid) == 0);
}

static inline bool
drop_groups(void)
{
	return (syscall(SET_GROUPS, 0, NULL) == 0);
}

#endif

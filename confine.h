/* SPDX-License-Identifier: ISC */
/*
 * What can this process still do?  Each of the two gives up what it will
 * not need, in layers that do not rest on each other: ids and the root
 * directory, capabilities, limits of resources, Landlock (no file, no
 * network), seccomp (no other system call).  A layer that the kernel does
 * not have is gone without, and named.
 */
#ifndef CONFINE_H
#define CONFINE_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

/* A call of the deliverer's; everywhere, and not in every C library. */
#define QUOTACTL_FD	443

/* Layers that a kernel may lack, as bits. */
enum layer { LANDLOCK = 1, SECCOMP = 2 };

/* No way back from any of it: for both processes, before they part. */
bool	forbid_new_privileges(void);

/*
 * The session's: no files but those that are open, no new descriptors, no
 * processes, no network but the client; and no system calls but a few.
 * WRITES_FILES: descriptors 1 or 2 may be files, as when it is tried by
 * hand.  Returns the layers that are missing.
 */
unsigned int confine_session(bool writes_files);

/*
 * The deliverer's: no capabilities but to take ids; below each of the
 * DIRECTORIES (up to a NULL) what files need that are written and locked
 * there, below DEVICES (or NULL) what terminals need, and nothing else; no exec, no sockets, no new processes.  Returns
 * the layers that are missing; false if capabilities cannot be given up.
 */
bool confine_deliverer(const char *const *directories, const char *devices,
	    unsigned int *missing);

/* For -t: the version of Landlock here, 0 for none; is there seccomp? */
int	landlock_version(void);
bool	has_seccomp(void);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * Has somebody asked the session to stop?  SIGTERM, SIGINT and SIGHUP are
 * held back from before the fork on, and come through only in a wait that
 * lets them: so that none can fall between a look and the wait.  One that
 * has nothing to wait for does not let them.  The deliverer never does.
 */
#ifndef STOP_H
#define STOP_H

#include <signal.h>
#include <stdbool.h>

/*
 * Hold them back, and for good all others that would end a process: in the
 * stead of SIGPIPE and SIGXFSZ a write says EPIPE and EFBIG.  And the mask
 * for ppoll(2) that lets the former through.
 */
void	hold_signals(void);
extern sigset_t	while_waiting;

/* Has one come through, about which nothing was done yet? */
bool	stop_is_asked(void);

/* The same, and now something is done about it. */
bool	take_stop(void);

#endif

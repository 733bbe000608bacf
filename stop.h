/* SPDX-License-Identifier: ISC */
/*
 * Has somebody asked us to stop?  SIGTERM, SIGINT and SIGHUP are held back
 * from before the fork on, in both processes, and come through only in a
 * wait that lets them: so that none can fall between a look and the wait.
 */
#ifndef STOP_H
#define STOP_H

#include <signal.h>
#include <stdbool.h>

/* Hold them back; the mask for ppoll(2) that lets them through. */
void	hold_stop_signals(void);
extern sigset_t	while_waiting;

/* Did one come through, or does one wait? */
bool	stop_is_asked(void);

#endif

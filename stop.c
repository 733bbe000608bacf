/* SPDX-License-Identifier: ISC */
#include "stop.h"

#include <stddef.h>

static const int stop_signals[] = { SIGTERM, SIGINT, SIGHUP };
#define STOP_SIGNALS (sizeof(stop_signals) / sizeof(stop_signals[0]))

sigset_t while_waiting;

static volatile sig_atomic_t came_through;

static void
note_stop(int signal_number)
{
	(void)signal_number;
	came_through = 1;
}

void
hold_stop_signals(void)
{
	struct sigaction action = { .sa_handler = note_stop };
	sigset_t held;
	size_t i;

	sigemptyset(&held);
	for (i = 0; i < STOP_SIGNALS; i++) {
		sigaddset(&held, stop_signals[i]);
		sigaction(stop_signals[i], &action, NULL);
	}
	sigprocmask(SIG_BLOCK, &held, &while_waiting);
	for (i = 0; i < STOP_SIGNALS; i++)
		sigdelset(&while_waiting, stop_signals[i]);
}

bool
stop_is_asked(void)
{
	sigset_t pending;
	size_t i;

	if (came_through)
		return (true);
	if (sigpending(&pending) == -1)
		return (false);
	for (i = 0; i < STOP_SIGNALS; i++)
		if (sigismember(&pending, stop_signals[i]))
			return (true);
	return (false);
}

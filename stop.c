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
hold_signals(void)
{
	struct sigaction action = { .sa_handler = note_stop };
	sigset_t held;
	size_t i;

	sigemptyset(&while_waiting);
	sigaddset(&while_waiting, SIGPIPE);
	sigaddset(&while_waiting, SIGXFSZ);
	held = while_waiting;
	for (i = 0; i < STOP_SIGNALS; i++) {
		sigaddset(&held, stop_signals[i]);
		sigaction(stop_signals[i], &action, NULL);
	}
	/* Whoever started us may have held back others. */
	sigprocmask(SIG_SETMASK, &held, NULL);
}

bool
stop_is_asked(void)
{
	return (came_through != 0);
}

bool
take_stop(void)
{
	bool asked = stop_is_asked();

	came_through = 0;
	return (asked);
}

/* SPDX-License-Identifier: ISC */
#include "stop.h"

#include <stddef.h>

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

static const int stop_signals[] = { SIGTERM, SIGINT, SIGHUP };

/*
 * These would end a process that takes no care of them: because of a write,
 * a limit or a timer that whoever started us has set, or for no reason.
 */
static const int other_signals[] = { SIGPIPE, SIGXFSZ, SIGXCPU, SIGALRM,
	SIGVTALRM, SIGPROF, SIGIO, SIGPWR, SIGQUIT, SIGUSR1, SIGUSR2 };

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
	for (i = 0; i < COUNT(other_signals); i++)
		sigaddset(&while_waiting, other_signals[i]);
	held = while_waiting;
	for (i = 0; i < COUNT(stop_signals); i++) {
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

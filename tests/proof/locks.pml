/* SPDX-License-Identifier: ISC */
/*
 * The locks of two mailboxes, and those who take them in another order.
 *
 * We (deliver.c, lock.c) take the fcntl lock, then the dotlock, of one
 * mailbox after the other, wait for none of them, and let all go before we
 * try again.  (That we all begin with the same mailbox spares tries and is
 * not needed here: in the model two of us do not.)  The peers, one for a mailbox, wait for each
 * lock, and do not let the first go: dotlock first (Postfix, Exim, Dovecot),
 * fcntl first, or one of the two alone; FIRST and SECOND say which.  A peer
 * appends to the mailbox, or puts a new file in its place.
 *
 * Any process may die at any step, DEATHS of them in all.  Its fcntl locks
 * go with it; a dotlock stays, and whoever finds it takes it away, since its
 * pid is dead (that liblockfile does so in one step is assumed).
 *
 * What holds, whatever the order of steps:
 *	one writer at a time, who writes to the file that the path means
 *	we hold nothing while we wait
 *	nobody waits for ever (no end but the end of all)
 *
 * Each of HOLD_WHILE_WAITING, DOTLOCK_FIRST_AND_WAIT, NO_DOTLOCK, NO_FCNTL
 * and NO_SECOND_LOOK takes one step out; then it does not hold.
 */
#define MAILBOXES	2
#define FILES		2	/* of a mailbox: the old and the new */
#define PROCESSES	4
#define NOBODY		0	/* processes are numbered from 1 */

/* Of a peer. */
#define BY_DOTLOCK_THEN_FCNTL	0
#define BY_FCNTL_THEN_DOTLOCK	1
#define BY_DOTLOCK		2
#define BY_FCNTL		3

byte current[MAILBOXES];		/* the file that the path means */
byte fcntl_lock[MAILBOXES * FILES];
byte dotlock[MAILBOXES];
byte writer[MAILBOXES];
bool dead[PROCESSES + 1];

#define FILE_OF(m)		((m) * FILES + current[m])
/* Free, or ours already. */
#define FCNTL_IS_FREE(f)	(fcntl_lock[f] == NOBODY || fcntl_lock[f] == _pid)
#define DOTLOCK_IS_FREE(m)						\
	(dotlock[m] == NOBODY || dotlock[m] == _pid || dead[dotlock[m]])

inline append(m, f)
{
	atomic {
		assert(writer[m] == NOBODY);
		assert(f == FILE_OF(m));
		writer[m] = _pid;
	}
	atomic {
		assert(f == FILE_OF(m));
		writer[m] = NOBODY;
	}
}

inline drop_fcntl(f, p)
{
	if
	:: fcntl_lock[f] == p -> fcntl_lock[f] = NOBODY
	:: else
	fi
}

inline let_go(m, f)
{
	if
	:: dotlock[m] == _pid -> dotlock[m] = NOBODY
	:: else
	fi;
	drop_fcntl(f, _pid)
}

inline stop_writing(m, p)
{
	if
	:: writer[m] == p -> writer[m] = NOBODY
	:: else
	fi
}

#define HOLDS_NOTHING							\
	(fcntl_lock[0] != _pid && fcntl_lock[1] != _pid &&		\
	 fcntl_lock[2] != _pid && fcntl_lock[3] != _pid &&		\
	 dotlock[0] != _pid && dotlock[1] != _pid)

/* Both locks of mailbox M, open as file F, or BUSY. */
inline try_lock(m, f, busy)
{
#ifdef DOTLOCK_FIRST_AND_WAIT
	atomic { DOTLOCK_IS_FREE(m) -> dotlock[m] = _pid };
	atomic { FCNTL_IS_FREE(f) -> fcntl_lock[f] = _pid };
#else
#ifndef NO_FCNTL
	atomic {
		if
		:: FCNTL_IS_FREE(f) -> fcntl_lock[f] = _pid
		:: else -> busy = true
		fi
	};
#endif
#ifndef NO_DOTLOCK
	atomic {
		if
		:: !busy && DOTLOCK_IS_FREE(m) -> dotlock[m] = _pid
		:: else -> busy = true
		fi
	};
#endif
#endif
#ifndef NO_SECOND_LOOK
	if
	:: f != FILE_OF(m) -> busy = true
	:: else
	fi
#else
	skip
#endif
}

proctype us(byte first, second)
{
	byte one, two;
	bool busy;

	{
		skip;
again:		busy = false;
		one = FILE_OF(first);		/* open */
		two = FILE_OF(second);
		try_lock(first, one, busy);
		if
		:: !busy -> try_lock(second, two, busy)
		:: else
		fi;
		if
		:: busy ->
#ifndef HOLD_WHILE_WAITING
			let_go(first, one);
			let_go(second, two);
			assert(HOLDS_NOTHING);
#endif
			/* The pause ends, at the latest, when all is free. */
			(FCNTL_IS_FREE(FILE_OF(first)) &&
			    FCNTL_IS_FREE(FILE_OF(second)) &&
			    DOTLOCK_IS_FREE(first) && DOTLOCK_IS_FREE(second));
			goto again
		:: else
		fi;
		append(first, one);
		append(second, two);
		let_go(first, one);
		let_go(second, two)
	} unless {
		dead[_pid]
	};
	d_step {
		one = 0;
		two = 0;
		busy = false
	}
}

proctype peer(byte m, kind)
{
	byte f;

	{
		skip;
again:		if
		:: kind == BY_DOTLOCK || kind == BY_DOTLOCK_THEN_FCNTL ->
			atomic { DOTLOCK_IS_FREE(m) -> dotlock[m] = _pid }
		:: else
		fi;
		f = FILE_OF(m);
		if
		:: kind != BY_DOTLOCK ->
			atomic { FCNTL_IS_FREE(f) -> fcntl_lock[f] = _pid }
		:: else
		fi;
		if
		:: kind == BY_FCNTL_THEN_DOTLOCK ->
			atomic { DOTLOCK_IS_FREE(m) -> dotlock[m] = _pid }
		:: else
		fi;
		if
		:: f != FILE_OF(m) ->
			let_go(m, f);
			goto again
		:: else
		fi;
		if
		:: append(m, f)
		:: current[m] == 0 -> current[m] = 1	/* rename(2) */
		fi;
		let_go(m, f)
	} unless {
		dead[_pid]
	};
	f = 0
}

/* Ends processes, as the kernel does it; their dotlocks stay. */
proctype killer()
{
	byte deaths, victim;

	do
	:: atomic {
			deaths < DEATHS ->
			if
			:: victim = 1
			:: victim = 2
			:: victim = 3
			:: victim = 4
			fi;
			dead[victim] = true;
			drop_fcntl(0, victim);
			drop_fcntl(1, victim);
			drop_fcntl(2, victim);
			drop_fcntl(3, victim);
			stop_writing(0, victim);
			stop_writing(1, victim);
			deaths++;
			victim = 0
		}
	:: break
	od
}

init
{
	atomic {
		run us(0, 1);
		run us(1, 0);
		run peer(0, FIRST);
#ifdef SECOND
		run peer(1, SECOND);
#endif
		run killer()
	}
}

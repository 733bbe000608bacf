#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""kill.py deliverer|session SIZE NEW - SIGKILL at every system call of a delivery, a run each.

After each: the earlier mail is intact, what was answered 250 is there once, and the next delivery
is taken at once, whatever locks the dead left.  NEW is `new` for mailboxes that are not there yet.
"""
from faults import *


def kill_at(which, number, call, instance, size, users):
    mark = b'kill%d' % number
    fresh_mail(users)
    old = {user: content(user) for user in USERS}
    one = Session()
    one.trace(getattr(one, which), '-e', f'trace={call}', '-e',
              f'inject={call}:signal=KILL:when={instance}')
    line = one.transaction(list(USERS), message(mark, size))
    one.send(b'QUIT\r\n')
    one.reply()
    one.close()
    if not traced('killed by SIGKILL'):
        raise NotReached
    for user in USERS:
        box = content(user)
        check(box.startswith(old[user]), 'at call', number, user, 'lost old mail')
        found = copies(box, mark)
        check(found == 1 if line.startswith(b'250') else found <= 1,
              f'at call {number} ({call})', user, 'has', found, 'copies after', line)
    deliver(list(USERS), b'next%d' % number)
    for user in USERS:
        box = content(user)
        check(copies(box, b'next%d' % number) == 1, 'at call', number, user, 'missed the next')
        check(box.startswith(old[user]), 'at call', number, user, 'lost old mail to the next')
        check(not os.path.exists(path(user) + '.lock'), 'at call', number, 'a lock stays')
    return line


def kill_everywhere(which, size, new):
    users = () if new == 'new' else USERS
    calls = calls_of(which, int(size), users)
    killed, answered = 0, 0
    for call in sorted(set(calls)):
        # strace counts each kind by itself.  How many reads there are is TCP's affair, so that one
        # more than in the dry run is tried, and the first that is never reached is the end.
        for instance in range(1, calls.count(call) + 2):
            line = aim(kill_at, which, killed, call, instance, int(size), users)
            if line is None:
                break
            killed += 1
            answered += line.startswith(b'250')
    check(killed > len(calls) // 2, 'only', killed, 'of', len(calls), 'calls were reached')
    check(0 < answered < killed, answered, 'of', killed, 'runs were answered')
    return f'{killed} calls, {answered} answered 250'


main({which: lambda size, new, which=which: kill_everywhere(which, size, new)
      for which in ('deliverer', 'session')})

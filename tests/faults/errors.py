#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""errors.py all SIZE NEW - every system call of the deliverer fails in turn.

Each call of a delivery gets each error that its manual page lists and that can come of a disk, a
quota, a lock, a limit or a signal.  The reply is of the right class, and unless it is 250 every
mailbox is as it was; where it is 250, the fault did no harm and the message is there once.
"""
from faults import *

# What a call can say, by its manual page.
ERRORS = {
    'open': 'EACCES EDQUOT EINTR EIO EMFILE ENFILE ENOMEM ENOSPC EROFS ESTALE',
    'openat': 'EACCES EDQUOT EINTR EIO EMFILE ENFILE ENOMEM ENOSPC EROFS ESTALE',
    'newfstatat': 'EACCES EIO ENOMEM', 'lstat': 'EACCES EIO ENOMEM', 'fstat': 'EIO',
    'stat': 'EACCES EIO', 'fcntl': 'ENOLCK EDEADLK EINTR EIO', 'flock': 'EINTR',
    'write': 'EDQUOT EFBIG EINTR EIO ENOSPC', 'writev': 'EDQUOT EFBIG EINTR EIO ENOSPC',
    'pread64': 'EINTR EIO', 'read': 'EINTR EIO', 'fsync': 'EIO ENOSPC EDQUOT EROFS EINTR',
    'ftruncate': 'EINTR EIO', 'close': 'EINTR EIO ENOSPC EDQUOT',
    'link': 'EACCES EDQUOT EIO EMLINK ENOSPC EPERM EROFS', 'unlink': 'EACCES EBUSY EIO EROFS',
    'utimensat': 'EACCES EPERM EROFS EIO', 'setresuid': 'EAGAIN EPERM', 'setresgid': 'EPERM',
    'fstatfs': 'EINTR EIO ENOMEM', 'statfs': 'EIO', 'fchown': 'EIO EPERM', 'utime': 'EIO',
    'recvfrom': 'EINTR ENOMEM', 'sendto': 'EPIPE ENOMEM EINTR', 'ppoll': 'EINTR ENOMEM',
    'faccessat2': 'EACCES EIO', 'quotactl_fd': 'ESRCH EIO', 'prlimit64': 'EPERM', 'uname': 'EFAULT', 'access': 'EIO',
    'poll': 'EINTR ENOMEM',
}
# No message was delivered where one of these failed (an interrupted write is done again; musl's
# open() sets FD_CLOEXEC by fcntl as well, which is there already).
NEEDED = {'fsync', 'fcntl', 'writev', 'pread64', 'utimensat'}
# They cannot fail, or only where the program is wrong.
NEVER = {'getpid', 'geteuid', 'getegid', 'clock_gettime', 'rt_sigprocmask', 'rt_sigpending',
         'exit_group', 'umask', 'gettimeofday', 'time', 'brk', 'munmap', 'mmap', 'wait4',
         'rt_sigreturn', 'rt_sigaction', 'restart_syscall', 'shutdown', 'getuid', 'clock_nanosleep',
         'madvise', 'mprotect', 'sched_yield', 'futex', 'gettid', 'sigaltstack', 'getrandom', 'setitimer', 'close_range',
         'capset', 'prctl', 'landlock_create_ruleset', 'landlock_add_rule', 'landlock_restrict_self'}


def right_class(call, error, line):
    """May this error of this call have this reply?"""
    if call in NEEDED and line.startswith(b'250') and (call, error) != ('writev', 'EINTR') and (
            not traced('F_SETFD.*INJECTED')):
        return False
    if line[:3] in (b'250', b'421', b'450', b'451'):
        return True
    return line[:3] == {'ENOSPC': b'452', 'EDQUOT': b'552', 'EFBIG': b'552'}.get(error)


def fail_at(call, instance, error, size, users):
    where = f'{call} {instance} {error}'
    mark = where.replace(' ', '').encode()
    fresh_mail(users)
    old = {user: content(user) for user in USERS}
    # Half the default: a busy lock is not what is tested here.
    one = Session('-o', 'lock-timeout=1')
    one.trace(one.deliverer, '-e', f'trace={call}', '-e',
              f'inject={call}:error={error}:when={instance}')
    line = one.transaction(list(USERS), message(mark, size))
    one.send(b'QUIT\r\n')
    one.reply()
    one.close()
    if not traced('INJECTED'):
        raise NotReached
    check(right_class(call, error, line), where, 'got', line)
    # The answer itself was lost: delivered or not, but whole.
    lost_answer = line.startswith(b'421')
    for user in USERS:
        box = content(user)
        found = copies(box, mark)
        if line.startswith(b'250') or (lost_answer and box != old[user]):
            check(box.startswith(old[user]) and found == 1, where, 'answered', line, user, 'has',
                  found)
        else:
            check(box == old[user], where, 'answered', line, 'and', user, 'has changed')
    return line[:3].decode()


def fail_everywhere(size, new):
    users = () if new == 'new' else USERS
    calls = calls_of('deliverer', int(size), users)
    unknown = set(calls) - NEVER - set(ERRORS)
    check(not unknown, 'no errors are known for', unknown)
    seen, answers = {}, {}
    for call in calls:
        seen[call] = seen.get(call, 0) + 1
        for error in ERRORS.get(call, '').split() if call not in NEVER else ():
            answer = aim(fail_at, call, seen[call], error, int(size), users)
            answers[answer] = answers.get(answer, 0) + 1
    check(answers.get(None, 0) <= sum(answers.values()) // 20, answers, 'None is never reached')
    check({'250', '451', '452', '552'} <= set(answers), 'only', answers)
    return answers


main({'all': fail_everywhere})

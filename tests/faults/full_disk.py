#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""full_disk.py declared|fill|limit|spool - the room ends at every place of the message.

declared  a message that says it is larger than the room there is
fill    a small file system (the test's own tmpfs is on $MAIL) with room for so many pages
limit   RLIMIT_FSIZE at every octet from the mailbox's end to the message's end
spool   the same file system under the spool directory, with a message that needs the file
"""
import resource
from faults import *

PAGE = 4096


def transaction(mark, size, recipients, **how):
    one = Session(**how)
    line = one.transaction(recipients, message(mark, size))
    one.send(b'QUIT\r\n')
    check(one.reply().startswith(b'221'), 'the session is out of step')
    one.close()
    return line


def judge(where, line, number, mark, old):
    if not line.startswith(b'250'):
        check(line.startswith(number), where, 'got', line)
    for user in old:
        if line.startswith(b'250'):
            check(copies(content(user), mark) == 1, where, user, 'lacks it')
        else:
            check(content(user) == old[user], where, user, 'has changed after', line)


def fill():
    free = os.path.join(MAIL, 'filler')
    pages = os.statvfs(MAIL).f_bavail
    answers = {}
    for left in range(0, 24):
        fresh_mail(USERS)
        with open(free, 'wb') as out:
            out.write(b'x' * (PAGE * (pages - 2 - left)))
        old = {user: content(user) for user in USERS}
        mark = b'fill%d' % left
        line = transaction(mark, 8 * PAGE, list(USERS))
        judge(f'{left} pages left', line, b'452', mark, old)
        answers[line[:3].decode()] = answers.get(line[:3].decode(), 0) + 1
    check({'250', '452'} == set(answers), 'only', answers)
    return answers


def declared():
    """SIZE= is held against the disk of the mailbox, before anything is sent."""
    answers = []
    for size in (1000, 100000, 1000000):
        fresh_mail(USERS)
        one = Session()
        one.send(b'EHLO client.example\r\nMAIL FROM:<a@client.example> SIZE=%d\r\n'
                 b'RCPT TO:<joe@mail.example>\r\nQUIT\r\n' % size)
        answers.append([one.reply()[:3] for _ in range(4)][2])
        one.close()
    check(answers == [b'250', b'250', b'452'], 'answers to RCPT:', answers)
    return answers


def limit():
    answers = {}
    size = len(OLD) + 700
    for octets in range(len(OLD), size):
        fresh_mail(USERS)
        old = {user: content(user) for user in USERS}
        mark = b'limit%d' % octets
        line = transaction(mark, 200, list(USERS), before=lambda: resource.setrlimit(
            resource.RLIMIT_FSIZE, (octets, octets)))
        judge(f'limit of {octets}', line, b'552', mark, old)
        answers[line[:3].decode()] = answers.get(line[:3].decode(), 0) + 1
    check({'250', '552'} == set(answers), 'only', answers)
    return answers


def spool():
    place = next(o for o in USUAL if o.startswith('spool='))[6:]
    answers = {}
    pages = os.statvfs(place).f_bavail
    # The spool's window, a MiB of 256 pages, goes to the disk as one.
    for left in (*range(0, 256, 36), *range(250, 264, 2)):
        fresh_mail(USERS)
        filler = os.path.join(place, 'filler')
        with open(filler, 'wb') as out:
            out.write(b'x' * (PAGE * (pages - left - 1)))
        old = {user: content(user) for user in USERS}
        mark = b'spool%d' % left
        line = transaction(mark, (256 + 32) * PAGE, list(USERS))
        judge(f'{left} pages left to spool', line, b'452', mark, old)
        answers[line[:3].decode()] = answers.get(line[:3].decode(), 0) + 1
        os.unlink(filler)
    check({'250', '452'} == set(answers), 'only', answers)
    return answers


main({'declared': declared, 'fill': fill, 'limit': limit, 'spool': spool})

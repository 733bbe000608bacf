#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""races.py homes|shared SECONDS - users who change what mailboxes and locks are while mail comes.

Only as root.  `homes`: the mailbox is in joe's own home.  `shared`: all are in a directory that
everybody may write to, with the sticky bit.  joe races; what is somebody else's must not be changed,
nor anything be made outside of that directory, and ann's mail must be whole.  jane's mailbox is
removed again and again, as her mail reader may do, so that joe can put something in its place.
"""
from receiver import *
import random

SCRATCH, HOMES, SPOOL = (os.environ[name] for name in ('SCRATCH', 'HOMES', 'SPOOL'))
JOE, ANN, JANE, MAIL_GROUP = 20001, 20002, 20004, 8
SAFE = os.path.join(SCRATCH, 'safe')            # nobody's to change, and everybody's to see


def make_canaries():
    """Files of root, of ann, and of joe himself; joe reaches their names."""
    os.makedirs(SAFE)
    for name, owner in ('root', 0), ('ann', ANN), ('jane', JANE), ('joe', JOE), ('empty', 0):
        path = os.path.join(SAFE, name)
        with open(path, 'w') as file:
            file.write('' if name == 'empty' else 'canary\n')
        os.chown(path, owner, MAIL_GROUP)
        os.chmod(path, 0o660 if owner else 0o600)
    os.mkdir(os.path.join(SAFE, 'directory'))
    os.mkfifo(os.path.join(SAFE, 'fifo'))


def state(racing):
    """All that is not in a directory that joe may write to."""
    found = {}
    for top, names, files in os.walk(SCRATCH):
        names[:] = [name for name in names if os.path.join(top, name) not in racing]
        for name in names + files:
            path = os.path.join(top, name)
            st = os.lstat(path)
            text = open(path, 'rb').read() if os.path.isfile(path) and top == SAFE else b''
            found[path] = st.st_ino, st.st_uid
            if st.st_uid != JOE:        # his own he may change himself
                found[path] += st.st_mode, st.st_gid, st.st_nlink, st.st_size, st.st_mtime_ns, \
                    st.st_ctime_ns, text
    found.pop(LOG, None)
    return found


def attempt(step, *arguments):
    try:
        step(*arguments)
    except OSError:
        pass


def race(directory, names, end):
    """What a user can do to names in a directory, as often and as oddly as he can."""
    rnd = random.Random(os.getpid())
    mine = os.path.join(directory, f'.mine{os.getpid()}')
    aims = [os.path.join(SAFE, name) for name in os.listdir(SAFE)]
    aims += [os.path.join(SAFE, name) for name in ('root', 'ann', 'jane', 'jane', 'jane')] * 4
    aims += [os.path.join(SAFE, 'new'), '/etc/passwd', '/dev/null', '/dev/zero', '.', 'joe', mine]

    def make_file():
        with open(mine, 'w') as file:
            file.write(rnd.choice(['', '99999999\n', 'From x\n\n', '1\n', 'x' * 300]))
        os.chmod(mine, rnd.choice([0o600, 0o660, 0o666, 0o400]))
    makers = [make_file, make_file, make_file, lambda: os.mkfifo(mine), lambda: os.mkdir(mine),
              lambda: os.symlink(rnd.choice(aims), mine), lambda: os.symlink(rnd.choice(aims), mine),
              lambda: os.symlink(rnd.choice(aims), mine), lambda: os.link(rnd.choice(aims), mine),
              lambda: os.link(os.path.join(directory, rnd.choice(names)), mine),
              lambda: os.rename(os.path.join(directory, rnd.choice(names)), mine),
              lambda: os.rename(os.path.join(directory, 'device'), mine)]
    while time.monotonic() < end:
        attempt(rnd.choice(makers))
        name = os.path.join(directory, rnd.choice(names))
        if rnd.random() < 0.3:
            attempt(os.unlink, name)
            attempt(os.rmdir, name)
        attempt(os.rename, mine, name)
        if name.endswith('.lock') and rnd.random() < 0.8:       # or nothing would ever come in
            attempt(os.unlink, name)
        attempt(os.unlink, mine)
        attempt(os.rmdir, mine)
        if rnd.random() < 0.1:          # what the program made for a moment
            for name in os.listdir(directory):
                if name.startswith(('.lk', 'in.smtpd')):
                    attempt(os.rename, os.path.join(directory, name), mine)
                    attempt(os.symlink, os.path.join(SAFE, 'new'), os.path.join(directory, name))
        time.sleep(rnd.random() / 500)


def race_as_joe(directory, names, end):
    pid = os.fork()
    if pid == 0:
        os.setgroups([])
        os.setgid(JOE)
        os.setuid(JOE)
        try:
            race(directory, names, end)
        finally:
            os._exit(0)
    return pid


def deliveries(settings, users, end):
    """Mail comes all the while; how many of each user's were taken."""
    taken, refused, number = dict.fromkeys(users, 0), 0, 0
    while time.monotonic() < end:
        number += 1
        attempt(os.unlink, os.path.join(MAIL, 'jane'))
        who = users if number % 3 == 0 else [users[number % len(users)]]
        one = Receiver('-o', f'lock-timeout={number % 9 == 0:d}', *settings)
        text = b'Subject: race\r\n\r\n' + b'text\r\n' * (60000 if number % 7 == 0 else 3) + b'.\r\n'
        one.send(HELLO + b'MAIL FROM:<sender@client.example>\r\n' +
                 b''.join(b'RCPT TO:<%s@mail.example>\r\n' % user.encode() for user in who) +
                 b'DATA\r\n')
        replies = one.replies(4 + len(who))
        good = [user for user, reply in zip(who, replies[3:]) if reply == '250']
        assert all(reply[0] in '24' for reply in replies[3:-1]), replies
        refused += len(who) - len(good)
        if replies[-1] == '354':
            one.send(text)
            verdict = one.line()[:3]
            assert verdict in (b'250', b'450', b'451', b'452'), verdict
            for user in good:
                taken[user] += verdict == b'250'
            refused += verdict != b'250'
        one.send(b'QUIT\r\n')
        assert one.rest().startswith(b'221 ')
        assert one.end() == 0
    return taken, refused


def run(directory, names, settings, users, box, seconds):
    os.chmod(SPOOL, 0o1777)
    make_canaries()
    for device in os.path.join(directory, 'device'), os.path.join(SAFE, 'device'):
        os.mknod(device, 0o020666, os.makedev(1, 3))
        os.chown(device, JOE, JOE)
    written = directory, SPOOL, os.path.dirname(box)
    before = state(written)
    end = time.monotonic() + float(seconds)
    racers = [race_as_joe(directory, names, end), race_as_joe(directory, names, end),
              race_as_joe(SPOOL, ['in.smtpd.x', 'in.smtpd'], end)]
    try:
        taken, refused = deliveries(settings, users, end)
    finally:
        for pid in racers:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    changed = set(before.items()) ^ set(state(written).items())
    assert not changed, changed
    assert taken['ann'] > 3 and refused > 9, (taken, refused)
    for top, _, files in os.walk(SPOOL):
        for name in files:
            assert os.lstat(os.path.join(top, name)).st_uid == JOE, name
    with open(box, 'rb') as file:
        found = file.read().count(b'\n\nFrom ') + 1
    assert os.lstat(box).st_uid == ANN and found == taken['ann'], (found, taken)
    return f'taken {taken}, refused {refused}'


def homes(seconds):
    joe, ann = (os.path.join(HOMES, user) for user in ('joe', 'ann'))
    said = run(joe, ['Mailbox', 'Mailbox', 'Mailbox.lock', 'box'], ['-o', 'mailbox=%h/Mailbox'],
               ['joe', 'ann'], os.path.join(ann, 'Mailbox'), seconds)
    assert os.listdir(ann) == ['Mailbox'], os.listdir(ann)
    return said


def shared(seconds):
    os.chmod(MAIL, 0o1777)
    os.chown(MAIL, 0, 0)
    return run(MAIL, ['joe', 'joe', 'joe.lock', 'ann', 'ann.lock', 'jane', 'jane', 'jane', 'jane.lock'], [],
               ['joe', 'ann', 'jane'], os.path.join(MAIL, 'ann'), seconds)


main({'homes': homes, 'shared': shared})

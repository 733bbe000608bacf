#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""signals.py stop|ignore|sleep|unread - signals to either process at any moment of a session.

250 means that both mailboxes have the message, and anything else that neither has.
"""
from receiver import *
import fcntl, select

STOP = ['TERM', 'HUP', 'INT']
IGNORE = ['QUIT', 'USR1', 'USR2', 'VTALRM', 'PROF', 'IO', 'PWR', 'XCPU', 'PIPE', 'ALRM', 'CHLD', 'WINCH', 'URG', 'XFSZ', 'CONT']
USERS = ['joe', 'ann']
STEPS = [HELLO, b'MAIL FROM:<sender@client.example>\r\n', b'RCPT TO:<joe@mail.example>\r\n',
         b'RCPT TO:<ann@mail.example>\r\n', b'DATA\r\n', b'Subject: signalled\r\n\r\nte',
         b'xt\r\n' * 100000, b'.\r']


def at_step(one, step):
    """Every step of a session, up to the CR of the end of the data."""
    for i, octets in enumerate(STEPS[:step]):
        assert one.send(octets)
        if i < 5:
            assert one.line()[:3] in (b'250', b'354')
    return b''.join(STEPS[step:]) + b'\n'


class locked:
    """While the deliverer waits for the lock of a mailbox."""
    def __enter__(self):
        self.box = open(os.path.join(MAIL, 'ann'), 'ab')
        if os.geteuid() == 0:
            os.chown(self.box.name, 20002, 8)
        fcntl.lockf(self.box, fcntl.LOCK_EX)

    def __exit__(self, *_):
        self.box.close()


def shoot(send, which, ends=False):
    """MOMENT is a step of the session, `waiting` for a lock, or `syncing`; SEND sends the signal."""
    last = len(STEPS)
    for moment in [*range(last + 1), 'waiting', 'syncing']:
        for user in USERS:
            empty_mailbox(user)
        slow = ['strace', '-qqf', '-o', '/dev/null', '-e', 'trace=fsync', '-e',
                'inject=fsync:delay_enter=100000'] if moment == 'syncing' else []
        one = Receiver(wrap=slow)
        assert one.line().startswith(b'220')
        # Under strace the two are its child and its child's.
        session = child_of(one.process.pid) if slow else one.session
        pids = {'session': [session], 'deliverer': [child_of(session)],
                'both': [child_of(session), session]}[which]
        rest = at_step(one, moment if isinstance(moment, int) else last)
        if moment == 'waiting':
            with locked():
                one.send(rest)
                time.sleep(0.05)
                send(pids)
                time.sleep(0.05)
        elif moment == 'syncing':
            one.send(rest)
            time.sleep(0.15)
            send(pids)
        else:
            send(pids)
            if ends:                    # it says so before it is asked anything more
                select.select([one.client], [], [], 10)
            one.send(rest)
        one.send(b'QUIT\r\n')
        said = one.rest().decode()
        status = one.end()
        yield moment, said, status
        found = [messages(user) for user in USERS]
        taken = ' Delivered as ' in said
        assert found == [taken, taken], (moment, found, said)
        left = [name for name in os.listdir(MAIL) if name not in USERS]
        assert not left, (moment, left)


def kill(signal_number):
    def send(pids):
        for pid in pids:
            try:
                os.kill(pid, signal_number)
            except ProcessLookupError:
                pass
    return send


def stop():
    """The session ends with 421 and status 0, or the delivery is finished first.

    The deliverer never does: these go to the session as well, where they mean it.
    """
    for name in STOP:
        for which in 'deliverer', 'session', 'both':
            ends = which != 'deliverer'
            for moment, said, status in shoot(kill(getattr(signal, 'SIG' + name)), which, ends):
                where = name, which, moment, said, status
                taken = ' Delivered as ' in said
                assert status == 0 and (taken or '\n421 4.3.2 ' in '\n' + said), where
                if isinstance(moment, int) or not ends:
                    assert taken != ends, where
                if moment == 'syncing':
                    assert taken, where


def unread():
    """The last 421 arrives where a stop ends the wait for a lock, although input is unread.

    (A reset takes it away from the client, with other systems than Linux.)
    """
    with socket.create_server(('127.0.0.1', 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
    empty_mailbox('ann')
    one = Receiver(stdin=server, stdout=server)
    one.client.close()
    server.close()
    one.client = client
    client.settimeout(30)
    with locked():
        one.send(HELLO + MESSAGE.replace(b'joe', b'ann') + b'NOOP\r\n' * 100000)
        time.sleep(0.3)
        os.kill(one.session, signal.SIGTERM)
        time.sleep(0.3)                 # as long as the way of a reply may take
    assert client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0, 'it was reset'
    said = one.rest()
    assert b'\r\n421 4.3.2 ' in said and b' Delivered as ' not in said, said
    assert one.end() == 0 and messages('ann') == 0


def ignore():
    """The session goes on as if nothing had been."""
    for name in IGNORE:
        for which in 'deliverer', 'session':
            for moment, said, status in shoot(kill(getattr(signal, 'SIG' + name)), which):
                assert ' Delivered as ' in said and status == 0, (name, which, moment, said, status)


def sleep():
    """Stopped for a while, and it goes on."""
    def send(pids):
        kill(signal.SIGSTOP)(pids)
        time.sleep(0.05)
        kill(signal.SIGCONT)(pids)
    for which in 'deliverer', 'session':
        for moment, said, status in shoot(send, which):
            assert ' Delivered as ' in said and status == 0, (which, moment, said, status)


main({'stop': stop, 'ignore': ignore, 'unread': unread, 'sleep': sleep})

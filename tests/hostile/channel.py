# SPDX-License-Identifier: ISC
"""channel - a session that is taken over speaks to the deliverer as it likes.

The real session is stopped, and its end of the channel taken from it; the deliverer does not know.
See request.h for what it may be sent.  It ends with a line in the log, and not by a signal, where a
record is not as it should be; and whatever comes, mailboxes only grow, by whole messages.
"""
import ctypes, itertools, os, random, signal, socket, struct, sys
from receiver import HELLO, LOG, MAIL, MESSAGE, Receiver, mailbox, main, messages

CHECK, KEEP, DELIVER = 1, 2, 3
EDGES = [0, 1, 2, 3, 4, 1000, 1001, 1 << 31, (1 << 32) - 1]
LONG_EDGES = EDGES + [1 << 61, (1 << 61) + 1, 1 << 63, (1 << 64) - 1]
MOST = 328 + 72 * 1000
with open(os.environ['PASSWD'], 'rb') as passwd:
    JOE = passwd.read().index(b'\njoe:') + 1


def record(kind, destination=0, place=JOE, length=0, kept=0):
    return struct.pack('=IIIxxxxQQ', kind, destination, place, length, kept)


def delivery(count=1, place=JOE, length=10, path=b'forged@client.example', detail=b'', **more):
    return (record(DELIVER, length=length, **more)
            + struct.pack('=I32s257sxxx', count, b'AAAA', path)
            + struct.pack('=I65sxxx', place, detail))


class Taken(Receiver):
    """A session whose channel is ours."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.line()
        process = os.pidfd_open(self.session)
        os.kill(self.session, signal.SIGSTOP)
        os.waitid(os.P_PID, self.session, os.WSTOPPED | os.WNOWAIT)
        for number in os.listdir(f'/proc/{self.session}/fd'):
            fd = ctypes.CDLL(None).syscall(438, process, int(number), 0)  # pidfd_getfd
            try:
                self.channel = socket.socket(fileno=fd)
            except OSError:
                os.close(fd)
                continue
            if self.channel.type == socket.SOCK_SEQPACKET:
                break
            self.channel.close()
        else:
            raise AssertionError('there is no channel')
        os.close(process)
        self.channel.settimeout(20)

    def ask(self, octets):
        """The answer to the record; b'' if the deliverer ends."""
        try:
            self.channel.send(octets)
            return self.channel.recv(1000)
        except (BrokenPipeError, ConnectionResetError):
            return b''

    def leave(self, has_ended):
        """Both processes end; the client is told if the deliverer did."""
        self.channel.close()
        os.kill(self.session, signal.SIGCONT)
        assert not has_ended or self.rest().startswith(b'421 ')
        self.end()


def say(records, *arguments):
    """The answers to these, up to the deliverer's end, which has its reason in the log."""
    at = os.path.getsize(LOG)
    taken = Taken(*arguments)
    answers = []
    for octets in records:
        answers.append(taken.ask(octets))
        if not answers[-1]:
            break
    taken.leave(has_ended=not answers[-1])
    with open(LOG, 'rb') as log:
        log.seek(at)
        logged = log.read()
    # No complaint of a sanitizer and no death by a signal; behind an empty record it just goes.
    assert not any(word in logged for word in (b'Sanitizer', b'runtime error', b'signal')), logged
    if not answers[-1] and octets:
        assert b'sent a request that it never would' in logged, (octets[:80], logged)
    return answers


def only_refused(many):
    """None of these records, each to a deliverer of its own, is answered or changes anything."""
    before, names = mailbox(), sorted(os.listdir(MAIL))
    for octets in many:
        answers = say([octets])
        assert answers == [b''], (octets[:80], answers)
    assert mailbox() == before and sorted(os.listdir(MAIL)) == names
    return 'ok'


def prepare():
    first = Receiver(before=HELLO + MESSAGE + b'QUIT\r\n')
    assert b'250 2.6.0' in first.rest()
    first.end()


def garbage():
    """Any octets of any size."""
    chance = random.Random(5321)
    prepare()
    return only_refused(chance.randbytes(size) for size in
                        [1, 4, 31, 32, 33, 327, 328, 399, 400, 401, MOST - 1, MOST, MOST + 1]
                        + [chance.randrange(1, MOST) for _ in range(30)])


def wrong_fields():
    """A good record but for one field, or cut short, or longer."""
    prepare()
    good, check = delivery(), record(CHECK)
    bad = [record(kind) for kind in EDGES if kind not in (CHECK, KEEP)]
    bad += [record(CHECK, destination=where) for where in EDGES if where != 0]
    bad += [record(CHECK, length=length) for length in LONG_EDGES if length > 1 << 61]
    bad += [record(KEEP, kept=kept) for kept in LONG_EDGES if kept > 0]
    bad += [delivery(length=length) for length in LONG_EDGES if length >= 1 << 31]
    bad += [delivery(kept=kept) for kept in LONG_EDGES if kept > 0]
    bad += [delivery(count=count) for count in EDGES if count != 1]
    bad += [delivery(path=b'x' * 257), delivery(detail=b'x' * 65)]
    bad += [delivery(place=place) for place in (JOE + 1, 1 << 31, (1 << 32) - 1)]
    bad += [record(CHECK, place=place) for place in (JOE + 1, 1 << 31, (1 << 32) - 1)]
    bad += [good[:size] for size in range(1, len(good)) if size != 32]
    bad += [check[:size] for size in range(1, 32)]
    bad += [good + b'\0', check + b'\0', check + bytes(1000)]
    return only_refused(bad)


def any_order():
    """Good records, and some that are not, in every order of three, again and again the same."""
    prepare()
    kinds = [record(CHECK), record(KEEP), delivery(), delivery(length=0), record(CHECK, place=1),
             record(DELIVER), b'']
    names = sorted(os.listdir(MAIL))
    for records in itertools.product(kinds, repeat=3):
        before, count = mailbox(), messages()
        answers = say(records)
        added = sum(octets[:4] == b'\3\0\0\0' and answer[:4] == bytes(4)
                    for octets, answer in zip(records, answers))
        after = mailbox()
        assert after.startswith(before), records
        assert messages() == count + added, (records, answers, messages(), count)
        assert added or after == before, records
        assert sorted(os.listdir(MAIL)) == names, os.listdir(MAIL)
    assert messages() > 100, 'no replay was ever delivered'
    return 'ok'


def destination(where, outcome, *arguments):
    """A check of what is to go there is answered, or ends the deliverer."""
    answers = say([record(CHECK, destination=int(where))], *arguments)
    assert (answers[0] != b'') == (outcome == 'answered'), (where, outcome, arguments)
    return 'ok'


main({'garbage': garbage, 'wrong_fields': wrong_fields, 'any_order': any_order,
      'destination': destination})

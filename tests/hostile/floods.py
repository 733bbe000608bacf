#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""floods.py TEST - clients that send without end, or hardly at all."""
from receiver import *
import threading

# Nothing is allocated after start-up, but buffers are touched for the first time.
FLAT_KIB = 2048


def started(*arguments):
    one = Receiver(*arguments)
    assert one.line().startswith(b'220')
    return one


def in_data(*arguments):
    one = started(*arguments)
    one.send(HELLO + ENVELOPE)
    assert one.replies(4) == ['250', '250', '250', '354']
    return one


def while_stopped(one, octets):
    """The session sleeps past its deadline, and finds OCTETS when it wakes up."""
    session = one.session
    os.kill(session, signal.SIGSTOP)
    time.sleep(1.3)
    one.send(octets)
    os.kill(session, signal.SIGCONT)
    said = one.rest()
    assert said.startswith(b'421 4.4.2 '), said
    assert one.end() == 0


def deadlines():
    """A deadline that has passed holds, however much there is to be read."""
    one = started('-o', 'command-timeout=1s')
    one.send(b'NO')
    while_stopped(one, b'OP\r\n' * 3)
    while_stopped(started('-o', 'session-timeout=1s'), b'NOOP\r\n' * 3)
    while_stopped(started('-o', 'command-timeout=1s'), b'x' * 200000)
    while_stopped(in_data('-o', 'data-timeout=1s'), b'text\r\n.\r\n')
    while_stopped(in_data('-o', 'session-timeout=1s'), b'text\r\n.\r\n')
    assert messages() == 0


def never_dry(*arguments):
    """A session whose input never ends, however fast it is read: a line of a terabyte."""
    with open(os.path.join(os.environ['SCRATCH'], 'line'), 'w+b') as line:
        line.write(b'x' * 2000)
        line.truncate(1 << 40)
        line.seek(0)
        one = Receiver(*arguments, stdin=line)
    assert one.line().startswith(b'220')
    return one


def peak_kib(pid):
    with open(f'/proc/{pid}/status') as status:
        return int(next(line for line in status if line.startswith('VmHWM')).split()[1])


def flood(one, octets, seconds):
    """OCTETS again and again while replies are read; what it said, and the memory it took."""
    both = one.deliverer, one.session
    before = [peak_kib(pid) for pid in both]
    after, sent = before, 0
    stop = time.monotonic() + 10

    def pour():
        nonlocal sent
        while time.monotonic() < stop and one.send(octets):
            sent += len(octets)
    pourer = threading.Thread(target=pour)
    began = time.monotonic()
    pourer.start()
    said, last = b'', b''
    while True:
        try:
            piece = one.client.recv(65536)
        except ConnectionResetError:            # it closed with our octets unread
            piece = b''
        if not piece:
            break
        said = (said + piece)[-4096:]
        try:
            after = [peak_kib(pid) for pid in both]
        except (FileNotFoundError, ProcessLookupError, StopIteration):
            pass
        if time.monotonic() > stop:
            break
    took = time.monotonic() - began
    status = one.end()
    stop = 0
    pourer.join()
    assert status == 0, status
    assert took < seconds + 3, f'{octets[:20]}: it took {took:.1f} s'
    assert said.endswith(b'\r\n') and b'421 4.' in said, said[-200:]
    assert sent > 1 << 20, f'only {sent} octets were sent'
    for old, new in zip(before, after):
        assert new < old + FLAT_KIB, f'{octets[:20]}: from {old} KiB to {new}'


def memory():
    """While a flood goes on memory stays flat, and 421 comes."""
    watch = '-o', 'session-timeout=1s', '-o', 'error-limit=1000000', '-o', 'error-delay=0'
    one = never_dry(*watch)
    assert b'421 4.4.2 ' in one.rest() and one.end() == 0
    quiet = *watch, '-o', 'log=none'
    for octets in b'x' * 65536, b'x\n' * 32768, b'NOOP ' + b'x' * 65531:
        flood(started(*watch), octets, 1)
    for octets in b'NOOP\r\n' * 10000, b'BOGUS\r\n' * 10000, b'VRFY nobody.here\r\n' * 4000:
        flood(started(*quiet), octets, 1)
    for octets in (b'X-Field: ' + b'x' * 990 + b'\r\n') * 64, b'X-Field: ' + b'x' * 65000, \
            b' folded\r\n' * 7000, b'Received: from x\r\n' * 4000, b'.\r\n'.join([b'.'] * 20000):
        flood(in_data(*watch, '-o', 'message-size-limit=1M'), octets, 1)
    assert messages() == 0


def stop_while(one, octets, reads=True):
    """OCTETS come again and again, and in the midst of them the request to stop."""
    empty_mailbox()
    began = time.monotonic()

    def pour():
        while time.monotonic() < began + 6 and one.send(octets):
            pass
    pourer = threading.Thread(target=pour)
    pourer.start()
    threading.Timer(0.5, os.kill, (one.session, signal.SIGTERM)).start()
    said = one.rest() if reads else b''
    status = one.process.wait(20)
    took = time.monotonic() - began
    pourer.join()
    one.client.close()
    why = octets[:20], reads
    assert status == 0 and took < 4, f'{why}: status {status} after {took:.1f} s'
    assert not reads or b'\r\n421 4.3.2 ' in b'\r\n' + said, (why, said[-200:])
    assert not reads or messages() == said.count(b' Delivered as '), (why, messages())


def stops():
    """A request to stop is heard while a client sends without a pause."""
    how = '-o', 'error-limit=1000000', '-o', 'error-delay=0', '-o', 'log=none', '-o', 'message-size-limit=1M'
    for octets in b'NOOP\r\n' * 10000, b'BOGUS\r\n' * 10000, b'x' * 65536:
        stop_while(started(*how), octets)
        stop_while(started(*how), octets, reads=False)
    for octets in HELLO + MESSAGE * 500, HELLO + b'VRFY joe\r\n' * 4000:
        stop_while(started(*how), octets)
    stop_while(in_data(*how), b'text\r\n' * 10000)
    one = started(*how)
    one.send(HELLO.replace(b'HELO', b'EHLO') + ENVELOPE.replace(b'DATA', b'BDAT 1000000000000'))
    stop_while(one, b'text\r\n' * 10000)
    one = never_dry(*how)
    time.sleep(0.3)
    os.kill(one.session, signal.SIGTERM)
    began = time.monotonic()
    said = one.rest()
    assert b'421 4.3.2 ' in said and one.end() == 0, said
    assert time.monotonic() - began < 2


def drips():
    """An octet now and then keeps no session past session-timeout."""
    sessions = [started('-o', 'session-timeout=2s'), in_data('-o', 'session-timeout=2s')]
    began = time.monotonic()
    for i in range(200):
        alive = [one for one in sessions if one.process.poll() is None]
        if not alive:
            break
        for one in alive:
            one.send(b'NOOP\r\n'[i % 6:i % 6 + 1])
        time.sleep(0.05)
    took = time.monotonic() - began
    assert 1.5 < took < 5, f'it took {took:.1f} s'
    for one in sessions:
        assert b'421 4.4.2 ' in one.rest()
        assert one.end() == 0


REFUSED = [b'BOGUS\r\n', b'RCPT TO:<guess@mail.example>\r\n', b'RCPT TO:<joe@foreign.example>\r\n',
           b'VRFY guess\r\n', b'VRFY <guess@foreign.example>\r\n', b'EXPN list\r\n',
           b'MAIL FROM:<>\r\n', b'no\x01\r\n', b'bare\n.\r\n', b'x' * 600 + b'\r\n']


def delay():
    """Past the tenth each refusal costs error-delay, whatever was refused."""
    sessions = []
    for octets in REFUSED:
        one = started()
        one.send(HELLO + b'MAIL FROM:<>\r\n' + octets * 12 + b'QUIT\r\n')
        sessions.append((octets, one, time.monotonic()))
    for octets, one, began in sessions:
        replies = one.replies(15)
        took = time.monotonic() - began
        assert all(reply[0] == '5' for reply in replies[2:14]), (octets, replies)
        assert replies[14] == '221' and took >= 2, f'{octets[:20]} cost {took:.2f} s'
        assert took < 6, f'{octets[:20]} cost {took:.2f} s'
        one.end()


def limit():
    """error-limit ends the session with 421, whatever was refused."""
    for octets in REFUSED:
        one = started('-o', 'error-limit=5', '-o', 'error-delay=0')
        one.send(HELLO + b'MAIL FROM:<>\r\n' + octets * 20 + MESSAGE)
        replies = [line[:9] for line in one.rest().split(b'\r\n')]
        assert len(replies) == 9 and replies[7] == b'421 4.7.0', (octets, replies)
        assert one.end() == 0
    assert messages() == 0


main({'deadlines': deadlines, 'memory': memory, 'stops': stops, 'drips': drips, 'delay': delay, 'limit': limit})

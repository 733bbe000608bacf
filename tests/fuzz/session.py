#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
r"""session.py - fuzz whole sessions: both processes, over a socketpair, as they run in production.

    session.py SECONDS PROGRAM DIALOGUE...

What clients say in the dialogues is the corpus: it is mutated, spliced and cut, and sent in pieces.
Each session has to end by itself, with no death by signal and no word of a sanitizer, in replies
that are lines of at most 512 octets, with as many messages in the mailboxes as were answered with
250 after data, and with every mailbox as its reader expects it.  An input that fails is kept in
the directory build/fuzz.  Sessions, their rate, and how many different replies were seen (there is
no other measure of coverage here) are the last line.

broken: data.c s/if (left >= length .. memcmp/if (n > 0 \&\& left >= length \&\& memcmp/
"""
import hashlib, os, random, re, select, socket, subprocess, sys, tempfile, time

WORDS = [b'HELO a\r\n', b'EHLO a\r\n', b'MAIL FROM:<>\r\n', b'MAIL FROM:<a@b> SIZE=1\r\n',
         b'RCPT TO:<joe@localhost>\r\n', b'RCPT TO:<ann@localhost>\r\n', b'DATA\r\n', b'.\r\n',
         b'\r\n.\r\n', b'QUIT\r\n', b'RSET\r\n', b'VRFY joe\r\n', b'HELP\r\n', b'NOOP\r\n',
         b'From x\r\n', b'>From x\r\n', b'Return-Path: x\r\n', b'Received: x\r\n', b'\r\n', b'\n',
         b'\r', b'\0', b'\xff', b'"', b'\\', b'<', b'>', b'@', b':', b',', b'[127.0.0.1]',
         b'[IPv6:::1]', b'%s', b'..', b'18446744073709551616', b'+x', b'x' * 64, b'y.' * 128,
         b'BDAT 3\r\n', b'BDAT 0 LAST\r\n', b'EXPN joe\r\n', b'BODY=8BITMIME', b'SMTPUTF8']
START = b'EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<joe@localhost>\r\nRCPT TO:<ann@localhost>\r\n'
GOOD = START + (b'DATA\r\nSubject: x\r\n\r\nFrom a\r\n>From b\r\n..\r\n.\r\n'
                b'MAIL FROM:<c@d>\r\nRCPT TO:<joe@localhost>\r\nDATA\r\ntext\r\n.\r\nQUIT\r\n')
LONGEST = 40000


def unescape(text):
    """The escapes of tests/talk."""
    text = re.sub(rb'\\\{(\d+):([^}]*)\}', lambda m: m[2] * min(int(m[1]), 2000), text)
    plain = {b'r': b'\r', b'n': b'\n', b't': b'\t', b'0': b'\0', b'\\': b'\\'}
    return re.sub(rb'\\(x[0-9a-fA-F]{2}|[rnt0\\])', lambda m: plain.get(m[1]) or
                  bytes([int(m[1][1:], 16)]), text)


def read_corpus(files):
    corpus = []
    for name in files:
        said = b''
        with open(name, 'rb') as lines:
            for line in lines:
                if line.startswith((b'C: ', b'C- ')):
                    end = b'\r\n' if line[1:2] == b':' else b''
                    said += unescape(line[3:].rstrip(b'\n')) + end
        corpus.append(said)
    return corpus


def mutate(corpus):
    text = random.choice((GOOD, random.choice(corpus)))
    for _ in range(random.choice((1, 1, 2, 4, 8, 16))):
        at = random.randrange(len(text) + 1)
        to = min(len(text), at + random.choice((1, 1, 2, 8, 64)))
        how = random.randrange(6)
        if how == 0:
            text = text[:at] + random.choice(WORDS) + text[at:]
        elif how == 1:
            text = text[:at] + random.choice(WORDS) + text[to:]
        elif how == 2:
            text = text[:at] + text[to:]
        elif how == 3:
            text = text[:at] + text[at:to] * random.choice((2, 3, 50)) + text[to:]
        elif how == 4:
            text = text[:at] + bytes([random.randrange(256)]) + text[at + 1:]
        else:
            other = random.choice(corpus)
            text = text[:at] + other[random.randrange(len(other) + 1):]
    return text[:LONGEST]


class Fault(Exception):
    pass


def converse(client, text):
    """Send the text in pieces, reading all the while; what came back, to its end."""
    pieces = random.choice((1, 100, LONGEST))
    deadline = time.monotonic() + 20
    client.setblocking(False)
    said, sent, open_ = b'', 0, True
    while True:
        if time.monotonic() > deadline:
            raise Fault('it does not end')
        readable, writable, _ = select.select([client], [client] if open_ else [], [], 1)
        try:
            if writable:
                sent += client.send(text[sent:sent + random.randint(1, pieces)])
                if sent == len(text):
                    client.shutdown(socket.SHUT_WR)
                    open_ = False
        except OSError:
            open_ = False
        if readable:
            try:
                piece = client.recv(65536)
            except ConnectionResetError:
                piece = b''
            if not piece:
                return said
            said += piece


def messages_in(path):
    """How many From_ lines begin a message; what is before the first is a fault."""
    try:
        with open(path, 'rb') as file:
            text = file.read()
    except FileNotFoundError:
        return 0
    if text and (not text.startswith(b'From ') or not text.endswith(b'\n\n')):
        raise Fault('the mailbox %s is broken' % path)
    found = text.startswith(b'From ') + text.count(b'\nFrom ')
    if found != len(re.findall(rb'(?:^|\n\n)From [^\n]*\nReturn-Path: ', text)):
        raise Fault('a From_ line in the mailbox %s is none of ours' % path)
    return found


class Fuzzer:
    def __init__(self, program, scratch):
        self.scratch, self.seen = scratch, set()
        self.mail = os.path.join(scratch, 'mail')
        os.mkdir(self.mail)
        if os.geteuid() == 0:
            os.chown(self.mail, 0, 8)
            os.chmod(self.mail, 0o2775)
        uids = (20001, 20002) if os.geteuid() == 0 else (os.geteuid(), os.geteuid())
        with open(os.path.join(scratch, 'passwd'), 'w') as passwd:
            for name, uid in zip(('joe', 'ann'), uids):
                passwd.write('%s:x:%d:8:%s Full Name:/home/%s:/bin/sh\n' % (name, uid, name, name))
        self.command = [program]
        for setting in ('hostname=localhost', 'log=stderr', 'error-delay=0', 'lock-timeout=0',
                        'message-size-limit=9000', 'recipient-limit=5',
                        'passwd=%s/passwd' % scratch, 'spool=' + scratch,
                        'mailbox=%s/%%u' % self.mail):
            self.command += ['-o', setting]

    def run(self, text):
        for name in os.listdir(self.mail):
            os.unlink(os.path.join(self.mail, name))
        ours, theirs = socket.socketpair()
        more = random.choice(([], [], ['-o', 'bare-newline=accept'], ['-o', 'vrfy=no']))
        with tempfile.TemporaryFile() as log:
            with subprocess.Popen(self.command + more, stdin=theirs, stdout=theirs,
                                  stderr=log) as server:
                theirs.close()
                try:
                    said = converse(ours, text)
                    status = server.wait(20)
                except Exception:
                    server.kill()
                    raise
                finally:
                    ours.close()
            log.seek(0)
            logged = log.read()
        if status not in (0, 1) or re.search(rb'Sanitizer|runtime error|never would', logged):
            raise Fault('status %d\n%s' % (status, logged.decode('latin-1')))
        self.check(said)

    def check(self, said):
        lines = said.split(b'\r\n')
        if lines.pop() != b'' or not lines or not lines[0].startswith((b'220 ', b'421 ')):
            raise Fault('the replies are no whole lines: %r' % said)
        for line in lines:
            if len(line) > 510 or not re.match(rb'[2-5]\d\d[ -][ -~]*$', line):
                raise Fault('no reply: %r' % line)
            self.seen.add(re.sub(rb'[^ ]*[^a-z ][^ ]*(?= |$)', b'x', line[4:30]) + line[:3])
        taken = sum(line.startswith(b'250 2.6.0 ') for line in lines)
        found = [messages_in(os.path.join(self.mail, name)) for name in ('joe', 'ann')]
        if max(found) > taken or sum(found) < taken:
            raise Fault('%d messages were accepted, and %s are there' % (taken, found))


def main():
    seconds, program, files = float(sys.argv[1]), sys.argv[2], sys.argv[3:]
    seed = int(os.environ.get('FUZZ_SEED', time.time()))
    random.seed(seed)
    corpus = read_corpus(files)
    os.umask(0o022)
    started, sessions = time.monotonic(), 0
    os.environ['ASAN_OPTIONS'] = 'detect_leaks=0:exitcode=99'
    with tempfile.TemporaryDirectory(prefix='in.smtpd-fuzz.') as scratch:
        os.chmod(scratch, 0o755)
        fuzzer = Fuzzer(program, scratch)
        while time.monotonic() - started < seconds:
            text = mutate(corpus)
            before = len(fuzzer.seen)
            try:
                fuzzer.run(text)
            except Fault as fault:
                kept = 'build/fuzz/session-' + hashlib.sha256(text).hexdigest()[:12]
                with open(kept, 'wb') as file:
                    file.write(text)
                print('%s\nseed %d; the input is in %s' % (fault, seed, kept))
                return 1
            sessions += 1
            if len(fuzzer.seen) > before and len(corpus) < 1000:
                corpus.append(text)
    print('%d sessions, %.0f a second, %d different replies' % (
        sessions, sessions / (time.monotonic() - started), len(fuzzer.seen)))
    return 0


sys.exit(main())

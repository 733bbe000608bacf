# SPDX-License-Identifier: ISC
"""faults - sessions that something is done to, and what has to be true of the mailboxes then.

For the programs beside it.  From the environment: BIN, MAIL, and USUAL, the usual arguments
(tests/lib.sh).  The client and the program are on the two ends of a TCP connection.
"""
import ctypes, glob, mailbox, os, re, shlex, signal, socket, subprocess, sys, time

BIN, MAIL = os.environ['BIN'], os.environ['MAIL']
USUAL = shlex.split(os.environ['USUAL'])
OLD = b'From old@x Mon Nov 23 00:00:00 2026\nSubject: old\n\nkept\n\n'
USERS = {'joe': 20001, 'ann': 20002}

# A deliverer that outlives its session becomes a child of this process, which waits for it: while
# nobody has, the dead process is there and its dotlock holds, for a second with many an init.
PR_SET_CHILD_SUBREAPER = 36
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class Wrong(Exception):
    """Something that must be true is not."""


class NotReached(Exception):
    """The call that was aimed at was not made: how TCP cuts what is read decides that too."""


def aim(shoot, *target):
    """Shoot until the target was there; None if it never was."""
    for _ in range(5):
        try:
            return shoot(*target)
        except NotReached:
            pass
    return None


def check(truth, *what):
    if not truth:
        raise Wrong(' '.join(str(w) for w in what))


def path(user):
    return os.path.join(MAIL, user)


def fresh_mail(users, content=OLD):
    """Mailboxes with one old message for USERS, and nothing else in the directory."""
    for name in os.listdir(MAIL):
        os.unlink(os.path.join(MAIL, name))
    for user in users:
        with open(path(user), 'wb') as box:
            box.write(content)
        if os.geteuid() == 0:
            os.chown(path(user), USERS[user], 8)
        os.chmod(path(user), 0o660)
        # Read after it was written, whatever the clock says: new mail has to be marked so.
        os.utime(path(user), (time.time() + 1000, time.time()))


def content(user):
    try:
        with open(path(user), 'rb') as box:
            return box.read()
    except FileNotFoundError:
        return b''


def message(mark, size=200):
    """Mail data, SIZE octets or so of it, that says MARK in its first line and its last."""
    lines = b'From the middle of it\r\n' * (size // 23)
    return b'Subject: %s\r\n\r\n%s%s ends\r\n.\r\n' % (mark, lines, mark)


def copies(box, mark):
    """How many whole messages marked so Python's mailbox module finds in the octets BOX."""
    where = os.path.join(os.environ.get('SCRATCH', '/tmp'), 'look')
    with open(where, 'wb') as out:
        out.write(box)
    whole = 0
    for one in mailbox.mbox(where, create=False):
        body = one.get_payload()
        if one['Subject'] == mark.decode() and body.rstrip('\n').endswith(mark.decode() + ' ends'):
            whole += 1
    return whole


TRACE = os.path.join(os.environ['SCRATCH'], 'trace')


def traced(pattern):
    """What of the last traced session's calls matches."""
    with open(TRACE) as lines:
        return re.findall(pattern, lines.read(), re.M)


class Session:
    """One session; .deliverer and .session are its processes, after the greeting."""

    def __init__(self, *arguments, wrap=(), greeting=True, before=None):
        listener = socket.create_server(('127.0.0.1', 0))
        self.client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
        listener.close()
        self.client.settimeout(60)
        self.log = open(os.environ['LOG'], 'ab')
        self.process = subprocess.Popen([*wrap, BIN, *USUAL, *arguments], stdin=server,
                                        stdout=server, stderr=self.log, preexec_fn=before)
        server.close()
        self.input = self.client.makefile('rb')
        self.tracers, self.deliverer = [], None
        if greeting:
            self.expect(b'220')
            self.session = self.process.pid
            with open(f'/proc/{self.session}/task/{self.session}/children') as children:
                self.deliverer = int(children.read().split()[0])

    def wait_for_deliverer(self):
        """The session greets while the deliverer gets ready; then that sleeps."""
        asleep = 0
        for _ in range(400):
            with open(f'/proc/{self.deliverer}/stat') as stat:
                asleep = asleep + 1 if stat.read().rsplit(')', 1)[1].split()[0] == 'S' else 0
            if asleep == 3:
                return
            time.sleep(0.002)

    def trace(self, pid, *options):
        """Attach strace to one of the two, and wait until it has."""
        self.wait_for_deliverer()
        self.tracers.append(subprocess.Popen(['strace', '-q', '-o', TRACE, *options, '-p', str(pid)],
                                             stderr=subprocess.DEVNULL))
        for _ in range(1000):
            try:
                with open(f'/proc/{pid}/status') as status:
                    text = status.read()
            except (FileNotFoundError, ProcessLookupError):
                return                  # the wait that strace woke it from was its first call
            if re.search(r'^State:\s+Z|^TracerPid:\s+[1-9]', text, re.M):
                return
            time.sleep(0.005)
        raise Wrong('strace does not attach')

    def send(self, octets):
        try:
            self.client.sendall(octets)
        except OSError:
            pass

    def reply(self):
        """The next reply's last line, b'' when there is none."""
        while True:
            try:
                line = self.input.readline()
            except OSError:
                return b''
            if line[3:4] != b'-':
                return line

    def expect(self, number):
        line = self.reply()
        check(line.startswith(number), 'expected', number, 'got', line)
        return line

    def transaction(self, recipients, data):
        """Send one message; its verdict, or the first refusal, or b''."""
        self.send(b'EHLO client.example\r\nMAIL FROM:<a@client.example>\r\n')
        for user in recipients:
            self.send(b'RCPT TO:<%s@mail.example>\r\n' % user.encode())
        for line in [self.reply() for _ in range(2 + len(recipients))]:
            if not line.startswith(b'250'):
                return line
        self.send(b'DATA\r\n')
        line = self.reply()
        if not line.startswith(b'354'):
            return line
        self.send(data)
        return self.reply()

    def wait_for_orphan(self):
        try:
            for _ in range(5000):
                if os.waitpid(self.deliverer, os.WNOHANG)[0] != 0:
                    return
                time.sleep(0.002)
        except ChildProcessError:
            return                      # it went before its session
        raise Wrong('the deliverer stays')

    def close(self):
        """The client goes; nothing of the session may stay.  Its exit status."""
        self.client.close()
        self.input.close()
        for _ in range(5000):
            if self.process.poll() is not None:
                break
            time.sleep(0.002)
        else:
            self.process.kill()
            raise Wrong('the process stays')
        for tracer in self.tracers:
            try:
                tracer.wait(10)
            except subprocess.TimeoutExpired:
                tracer.kill()
        if self.deliverer:
            self.wait_for_orphan()
        self.log.close()
        return self.process.returncode


def deliver(recipients, mark, size=200, *arguments):
    """A delivery with nothing done to it: must be taken."""
    one = Session(*arguments)
    line = one.transaction(recipients, message(mark, size))
    check(line.startswith(b'250'), 'the delivery after it got', line)
    one.close()


def calls_of(which, size, users):
    """The system calls, by name, of a process in an undisturbed delivery; USERS have mailboxes."""
    fresh_mail(users)
    one = Session()
    one.trace(getattr(one, which))
    one.transaction(list(USERS), message(b'dry', size))
    one.send(b'QUIT\r\n')
    one.reply()
    one.close()
    return traced(r'^([a-z_0-9]+)\(')


def main(tests):
    """Run the test named on the command line; say what is wrong and where."""
    try:
        print(tests[sys.argv[1]](*sys.argv[2:]))
    except Wrong as wrong:
        print(wrong)
        sys.exit(1)

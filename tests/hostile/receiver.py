# SPDX-License-Identifier: ISC
"""receiver - the program under attack, for the programs beside it.

From the environment: BIN, USUAL (the usual arguments), MAIL and LOG, see tests/lib.sh.  An attack
raises where it works; nothing that was started outlives it.
"""
import atexit, os, resource, shlex, signal, socket, subprocess, sys, time

BIN, MAIL, LOG = os.environ['BIN'], os.environ['MAIL'], os.environ['LOG']
# Some thousand messages in one session are the rule here.
USUAL = [*shlex.split(os.environ['USUAL']), '-o', 'transaction-limit=0']
HELLO = b'HELO client.example\r\n'
ENVELOPE = b'MAIL FROM:<sender@client.example>\r\nRCPT TO:<joe@mail.example>\r\nDATA\r\n'
MESSAGE = ENVELOPE + b'Subject: whole\r\n\r\ntext\r\n.\r\n'


def child_of(pid):
    with open(f'/proc/{pid}/task/{pid}/children') as children:
        return int(children.read().split()[0])


class Receiver:
    """A session; .deliverer and .session are its processes once they are asked for."""

    def __init__(self, *arguments, before=b'', **how):
        self.client, server = socket.socketpair()
        self.client.settimeout(30)
        self.client.sendall(before)
        self.log = open(LOG, 'ab')
        self.process = subprocess.Popen([*how.pop('wrap', ()), BIN, *USUAL, *arguments],
                                        **{'stdin': server, 'stdout': server, 'stderr': self.log,
                                           **how})
        server.close()
        self.log.close()
        self.said = b''
        atexit.register(lambda: self.process.poll() is None and self.process.kill())

    @property
    def session(self):
        return self.process.pid

    @property
    def deliverer(self):
        return child_of(self.session)

    def send(self, octets):
        """Send, as far as the other side lets it."""
        try:
            self.client.sendall(octets)
            return True
        except OSError:
            return False

    def line(self):
        """The next reply line; b'' at the end."""
        while b'\n' not in self.said:
            try:
                piece = self.client.recv(65536)
            except ConnectionResetError:
                piece = b''
            if not piece:
                rest, self.said = self.said, b''
                assert not rest, rest
                return b''
            self.said += piece
        line, self.said = self.said.split(b'\n', 1)
        return line + b'\n'

    def replies(self, count):
        return [self.line()[:3].decode() for _ in range(count)]

    def rest(self):
        """All that it says until it closes."""
        lines = list(iter(self.line, b''))
        return b''.join(lines)

    def end(self, seconds=20):
        """The client goes, and so must both processes; the exit status."""
        self.client.close()
        return self.process.wait(seconds)


def mailbox(user='joe'):
    try:
        with open(os.path.join(MAIL, user), 'rb') as box:
            return box.read()
    except FileNotFoundError:
        return b''


def messages(user='joe'):
    """How many there are, as every reader of mbox files counts: From_ at a line's start."""
    box = b'\n' + mailbox(user)
    return box.count(b'\nFrom ')


def empty_mailbox(user='joe'):
    if os.path.exists(os.path.join(MAIL, user)):
        os.unlink(os.path.join(MAIL, user))


def main(tests):
    """The test that the command line names, with the rest as its arguments."""
    print(tests[sys.argv[1]](*sys.argv[2:]))

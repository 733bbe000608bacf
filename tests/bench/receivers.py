# SPDX-License-Identifier: ISC
"""What is measured: in.smtpd, the limit and the peers; and the place where they run."""
import fcntl, glob, json, os, pathlib, pwd, re, socket, struct, subprocess, sys, time

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PACKAGES = os.path.join(TREE, 'build/packages')
BENCH, LIMIT = (os.path.join(TREE, 'build/bench', name) for name in ('bench', 'limit'))
BIN = os.path.abspath(os.environ.get('BIN') or os.path.join(TREE, 'in.smtpd'))
MEASURES = ('session', 'messages', 'large', 'memory', 'growth', 'calls', 'size')
USERS = 100         # and one more, whose mailbox is large
BOXES = 50          # of these, in the measures with many
MANY = 100000       # accounts in passwd
HOST = 'bench.example'
# A mailbox that has mail, as most have: the first message of all costs a sync of the directory.
OLD = b'From a@b.example Sun Nov 22 00:00:00 2026\nSubject: old\n\nold\n\n'


def say(text):
    print(text, file=sys.stderr, flush=True)


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w') as file:
        file.write(text)
    os.chmod(path, mode)


def first_line(*command):
    """What a program says first, for its version; nothing if it cannot."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=10, errors='replace')
    except (OSError, subprocess.TimeoutExpired):
        return ''
    return next((line.strip() for line in done.stdout.splitlines() if line.strip()), '')


def find(package, path):
    """A program of a package, as laid out by tests/packages or as installed."""
    for name in (os.path.join(PACKAGES, package, path.lstrip('/')), path):
        if os.path.exists(name):
            return name
    return None


class Place:
    """A directory on the disk that is measured, users, and their mailboxes."""

    def __init__(self, directory, apart):
        self.dir, self.apart = directory, apart
        self.mail = '/var/mail' if apart else directory + '/mail'
        self.passwd = '/etc/passwd' if apart else directory + '/passwd'
        self.uid = 20000 if apart else os.getuid()
        if apart:
            self.move_in()
        else:
            os.mkdir(self.mail)
        with open('/etc/passwd') as file:
            self.accounts = file.read()
        self.make_users()

    def mount(self, *words):
        subprocess.run(('mount',) + words, check=True)

    def lay_over(self, directory):
        """What is written there from now on is gone with the namespace."""
        name = directory.replace('/', '_')
        upper, work = (f'{self.dir}/over/{name}.{part}' for part in ('upper', 'work'))
        os.mkdir(upper)
        os.mkdir(work)
        self.mount('-t', 'overlay', '-o', f'lowerdir={directory},upperdir={upper},workdir={work}',
            'overlay', directory)

    def move_in(self):
        for name in ('over', 'mail', 'spool', 'home'):
            os.mkdir(f'{self.dir}/{name}')
        self.mount('-t', 'tmpfs', 'tmpfs', self.dir + '/over')
        # A copy on the disk, as /etc is elsewhere: an overlay takes its time for each file.
        subprocess.run(('cp', '-a', '/etc', self.dir + '/etc'), check=True)
        self.mount('--bind', self.dir + '/etc', '/etc')
        self.lay_over('/var/lib')
        self.mount('-t', 'tmpfs', 'tmpfs', '/run')
        self.mount('-t', 'tmpfs', 'tmpfs', '/var/cache')
        self.mount('--bind', self.dir + '/mail', '/var/mail')
        self.mount('--bind', self.dir + '/spool', '/var/spool')
        os.chmod('/var/mail', 0o3777)
        socket.sethostname(HOST)
        with socket.socket() as s:      # lo, up and running
            fcntl.ioctl(s, 0x8914, struct.pack('16sh14x', b'lo', 0x41))
        write('/etc/hosts', f'127.0.0.1 localhost {HOST}\n')
        write('/etc/mailname', HOST + '\n')
        write('/etc/resolv.conf', '')
        write('/etc/nsswitch.conf', 'passwd: files\ngroup: files\nshadow: files\nhosts: files\n')
        write('/etc/aliases', 'postmaster: bench0\n')
        add = ''
        for number, name in enumerate(('smtpd', 'postfix', 'postdrop', 'Debian-exim', 'opensmtpd',
                'opensmtpq')):
            if not re.search(f'^{name}:', open('/etc/passwd').read(), re.M):
                add += f'{name}:x:{990 + number}:{990 + number}::/nonexistent:/bin/false\n'
        with open('/etc/passwd', 'a') as file:
            file.write(add)
        with open('/etc/group', 'a') as file:
            file.write(re.sub(r'^([^:]*):x:\d+:(\d+):.*$', r'\1:x:\2:', add, flags=re.M))

    def make_users(self, more=0):
        """The accounts that were there, MORE others, and at the end those that get mail."""
        text = self.accounts + ''.join(
            f'other{i}:x:{300000 + i}:300000:Somebody Else {i}:/nonexistent:/bin/false\n'
            for i in range(more))
        for i in range(USERS + 1):
            uid = self.uid + (i if self.apart else 0)
            text += f'bench{i}:x:{uid}:8:Bench {i}:{self.dir}/home/bench{i}:/bin/sh\n'
            home = f'{self.dir}/home/bench{i}'
            if not os.path.isdir(home):
                os.makedirs(home)
                if self.apart:
                    os.chown(home, uid, 8)
        write(self.passwd, text)

    def empty_mailboxes(self):
        """One old message in each, which has been read."""
        now = time.time()
        for path in glob.glob(self.mail + '/*') + glob.glob(self.mail + '/.[!.]*'):
            if not path.endswith(f'/bench{USERS}'):
                pathlib.Path(path).unlink(missing_ok=True)      # a lock may go at any time
        for i in range(USERS):
            for path in (f'{self.mail}/bench{i}', f'{self.dir}/home/bench{i}/Mailbox'):
                with open(path, 'wb') as file:
                    file.write(OLD)
                if self.apart:
                    os.chown(path, self.uid + i, 8)
                os.chmod(path, 0o660)
                os.utime(path, (now - 60, now - 3600))

    def make_large_mailbox(self, octets):
        block = OLD * (1000000 // len(OLD))
        for path in (f'{self.mail}/bench{USERS}', f'{self.dir}/home/bench{USERS}/Mailbox'):
            with open(path, 'wb') as file:
                while file.tell() < octets:
                    file.write(block)
            if self.apart:
                os.chown(path, self.uid + USERS, 8)
            os.chmod(path, 0o660)
        os.sync()

    def processes(self):
        """Everybody but ourselves and process 1."""
        return [int(name) for name in os.listdir('/proc')
            if name.isdigit() and int(name) not in (1, os.getpid())]

    def descendants(self, pid):
        """PID, its children and theirs."""
        found = [pid]
        for parent in found:
            for path in glob.glob(f'/proc/{parent}/task/*/children'):
                with open(path) as file:
                    found += map(int, file.read().split())
        return found

    def pss(self):
        """KiB of all processes that there are."""
        total = 0
        for pid in self.processes():
            try:
                with open(f'/proc/{pid}/smaps_rollup') as file:
                    total += int(re.search(r'^Pss: *(\d+)', file.read(), re.M).group(1))
            except (OSError, AttributeError):
                pass
        return total


# ------------------------------------------------------------ the receivers

class Receiver:
    """One that is started for each connection by COMMAND, or listens at PORT."""
    port = 0
    pair = False                # it wants sockets without addresses
    address = 'bench%d@localhost'
    daemon = False              # something has to run all the time
    needs = None                # another one that has to run
    box = '{mail}/bench%d'
    peer = True

    def __init__(self, place):
        self.place, self.command, self.running = place, [], None

    def there(self):
        """Is it there?  Sets self.files, what it consists of."""
        return False

    def version(self):
        return ''

    def start(self):
        pass

    def launch(self, *command, **more):
        self.running = subprocess.Popen(command, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=open(f'{self.place.dir}/{self.name}.log', 'a'),
            start_new_session=True, **more)

    def wait_until_it_listens(self):
        for _ in range(250):
            with socket.socket() as s:
                if s.connect_ex(('127.0.0.1', self.port)) == 0:
                    return
            if self.running.poll() is not None:
                break
            time.sleep(0.02)
        with open(f'{self.place.dir}/{self.name}.log') as file:
            say(f'{self.name} does not listen: {file.read()[-500:]}')

    def stop(self):
        if self.running is not None:
            self.running.terminate()
            try:
                self.running.wait(5)
            except subprocess.TimeoutExpired:
                self.running.kill()
                self.running.wait()
            self.running = None

    def bench(self, what, *words, **more):
        """Runs build/bench/bench against it."""
        command = [BENCH, what] + [str(word) for word in words]
        if self.port:
            command += ['-p', str(self.port)]
        else:
            command += ['-S'] * self.pair + self.command
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=300, **more)
        return json.loads(done.stdout) if done.stdout else {}

    def load(self, *words, user=None, prefix=()):
        """`bench load`; for one USER, or for as many as -u says."""
        number = '%d' if user is None else str(user)
        box = self.box.format(mail=self.place.mail, home=self.place.dir + '/home')
        command = self.command
        self.command = list(prefix) + command
        try:
            return self.bench('load', '-a', self.address.replace('%d', number),
                '-w', box.replace('%d', number), *words)
        finally:
            self.command = command


class Ours(Receiver):
    name, peer = 'in.smtpd', False

    def there(self):
        self.files = [BIN]
        self.command = [BIN]
        for setting in (f'hostname={HOST}', 'domains=localhost', f'passwd={self.place.passwd}',
                f'mailbox={self.place.mail}/%u', f'spool={self.place.dir}',
                'message-size-limit=200000000', 'transaction-limit=0'):
            self.command += ['-o', setting]
        return True

    def version(self):
        return first_line(BIN, '-V')


class Limit(Receiver):
    name, peer, options = 'limit', False, ['-2', '-s']

    def there(self):
        self.files = [LIMIT]
        self.command = [LIMIT] + self.options + ['-d', self.place.mail + '/%u', '-w',
            self.place.dir]
        return True


class Limit2(Limit):
    name, options = 'limit-2', ['-2']


class Limit1(Limit):
    name, options = 'limit-1', []


class Postfix(Receiver):
    name, port, daemon = 'postfix', 2525, True

    def there(self):
        self.daemons = find('postfix', '/usr/lib/postfix/sbin')
        self.bin = find('postfix', '/usr/sbin/sendmail')
        if not self.place.apart or not self.daemons or not find('postfix', '/usr/sbin/postconf'):
            return False
        self.files = [f'{self.daemons}/{name}' for name in ('master', 'smtpd', 'cleanup', 'qmgr',
            'trivial-rewrite', 'local')]
        self.configure()
        return True

    def version(self):
        return 'Postfix ' + first_line(find('postfix', '/usr/sbin/postconf'), '-h', 'mail_version')

    def configure(self):
        place, queue = self.place, self.place.dir + '/postfix'
        if os.path.isdir(queue):
            return
        user, group = pwd.getpwnam('postfix').pw_uid, 991
        for name in ('', 'data', 'queue') + tuple('queue/' + name for name in ('active', 'bounce',
                'corrupt', 'defer', 'deferred', 'flush', 'hold', 'incoming', 'maildrop', 'private',
                'pid', 'public', 'saved', 'trace')):
            os.mkdir(f'{queue}/{name}')
            os.chown(f'{queue}/{name}', 0 if name in ('', 'queue', 'queue/pid') else user, 0)
        for name, mode in (('maildrop', 0o730), ('public', 0o710)):
            group = next(int(line.split(':')[2]) for line in open('/etc/group')
                if line.startswith('postdrop:'))
            os.chown(f'{queue}/queue/{name}', user, group)
            os.chmod(f'{queue}/queue/{name}', mode)
        # Its libraries are beside it.
        write('/etc/ld.so.conf.d/bench.conf', os.path.dirname(self.daemons) + '\n')
        subprocess.run(['ldconfig'], check=True)
        write('/etc/postfix/main.cf', f'''compatibility_level = 3.6
queue_directory = {queue}/queue
data_directory = {queue}/data
daemon_directory = {self.daemons}
command_directory = {os.path.dirname(self.bin)}
shlib_directory = {os.path.dirname(self.daemons)}
mail_spool_directory = /var/mail
myhostname = {HOST}
mydestination = localhost, {HOST}
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
biff = no
smtpd_peername_lookup = no
default_process_limit = 300
mailbox_size_limit = 0
message_size_limit = 200000000
''')
        services = f'127.0.0.1:{self.port} inet n - n - - smtpd\n'
        for name, wakeup, most, program in (('pickup', '60', '1', 'pickup'),
                ('cleanup', '-', '0', 'cleanup'), ('qmgr', '300', '1', 'qmgr'),
                ('rewrite', '-', '-', 'trivial-rewrite'), ('bounce', '-', '0', 'bounce'),
                ('defer', '-', '0', 'bounce'), ('trace', '-', '0', 'bounce'),
                ('verify', '-', '1', 'verify'), ('proxymap', '-', '-', 'proxymap'),
                ('error', '-', '-', 'error'), ('retry', '-', '-', 'error'),
                ('local', '-', '-', 'local'), ('anvil', '-', '1', 'anvil')):
            private = 'n' if name in ('pickup', 'cleanup', 'qmgr') else '-'
            services += f'{name} unix {private} {"n" if name == "local" else "-"} n {wakeup} ' \
                f'{most} {program}\n'
        write('/etc/postfix/master.cf', services)

    def start(self):
        self.launch(self.daemons + '/master', '-d', '-c', '/etc/postfix')


class PostfixBs(Postfix):
    """`sendmail -bs`, which leaves the delivery to the daemons."""
    name, needs, port, pair, start = 'postfix-bs', 'postfix', 0, True, Receiver.start

    def there(self):
        if not super().there():
            return False
        self.command = [self.bin, '-bs']
        self.files = [self.bin, find('postfix', '/usr/sbin/postdrop')] + self.files
        return True

    def version(self):
        return ''


class EximBs(Receiver):
    name = 'exim-bs'

    def there(self):
        self.bin = find('exim4-daemon-light', '/usr/sbin/exim4')
        if not self.place.apart or not self.bin:
            return False
        self.files, self.command = [self.bin], [self.bin, '-bs']
        self.configure()
        return True

    def configure(self):
        spool, user = self.place.dir + '/exim', pwd.getpwnam('Debian-exim')
        for name in (spool, spool + '/log'):
            os.makedirs(name, exist_ok=True)
            os.chown(name, user.pw_uid, user.pw_gid)
        write('/etc/exim4/exim4.conf', f'''exim_path = {self.bin}
keep_environment =
exim_user = Debian-exim
exim_group = Debian-exim
primary_hostname = {HOST}
domainlist local_domains = localhost : {HOST}
acl_smtp_rcpt = accept_all
acl_smtp_data = accept_all
spool_directory = {spool}
log_file_path = {spool}/log/%slog
host_lookup =
rfc1413_query_timeout = 0s
tls_advertise_hosts =
smtp_accept_max = 0
smtp_accept_queue_per_connection = 0
smtp_connect_backlog = 200
message_size_limit = 200M
begin acl
accept_all:
  accept
begin routers
local_user:
  driver = accept
  check_local_user
  transport = mailbox
begin transports
mailbox:
  driver = appendfile
  file = /var/mail/$local_part_data
  return_path_add
  group = mail
  mode = 0660
begin retry
* * F,1m,1m
''')


class Exim(EximBs):
    name, port, daemon = 'exim', 2526, True

    def version(self):
        return first_line(self.bin, '-bV')

    def start(self):
        self.launch(self.bin, '-bdf', '-oX', f'127.0.0.1.{self.port}')


class OpenSmtpd(Receiver):
    name, port, daemon = 'opensmtpd', 2527, True

    def there(self):
        self.bin = find('opensmtpd', '/usr/sbin/smtpd')
        local = find('opensmtpd', '/usr/libexec/opensmtpd/mail.local')
        if not self.place.apart or not self.bin or not local:
            return False
        self.files = [self.bin, local]
        if not local.startswith('/usr/'):
            self.place.mount('-t', 'overlay', '-o',
                f'lowerdir={os.path.dirname(os.path.dirname(local))}:/usr/libexec', 'overlay',
                '/usr/libexec')
        os.makedirs('/var/lib/opensmtpd/empty', exist_ok=True)
        os.makedirs('/var/spool/smtpd', exist_ok=True)
        os.chmod('/var/spool/smtpd', 0o711)
        write('/etc/smtpd.conf', f'''smtp max-message-size 200M
smtp limit max-mails 1000000
listen on lo port {self.port} hostname {HOST}
action "local" mbox
match from any for domain {{ "localhost", "{HOST}" }} action "local"
''')
        return True

    def version(self):
        return first_line(self.bin, '-h').replace('version: ', '')

    def start(self):
        self.launch(self.bin, '-d', '-f', '/etc/smtpd.conf')


class Qmail(Receiver):
    """Its programs are where they were built to be."""
    name, box, daemon = 'qmail', '{home}/bench%d/Mailbox', True

    def there(self):
        self.files = ['/var/qmail/bin/qmail-' + name for name in ('smtpd', 'queue', 'send',
            'lspawn', 'local', 'clean', 'rspawn')]
        if not self.place.apart or not all(map(os.path.exists, self.files)):
            return False
        for part in ('upper', 'work'):
            os.mkdir(f'{self.place.dir}/qmail.{part}')
        self.place.mount('-t', 'overlay', '-o', 'lowerdir=/var/qmail,upperdir=%s,workdir=%s' %
            tuple(f'{self.place.dir}/qmail.{part}' for part in ('upper', 'work')), 'overlay',
            '/var/qmail')
        for name, text in (('me', HOST), ('locals', f'localhost\n{HOST}'),
                ('rcpthosts', f'localhost\n{HOST}')):
            write('/var/qmail/control/' + name, text + '\n')
        self.command = ['/var/qmail/bin/qmail-smtpd']
        return True

    def start(self):
        self.launch('/var/qmail/bin/qmail-start', './Mailbox', '/bin/cat',
            env={'PATH': '/var/qmail/bin:/usr/bin:/bin'})
        time.sleep(1)


class Msmtpd(Receiver):
    """With procmail, since it delivers nothing by itself."""
    name, address = 'msmtpd', 'bench%d'

    def there(self):
        self.bin, procmail = (find(*names) for names in (('msmtp-mta', '/usr/bin/msmtpd'),
            ('procmail', '/usr/bin/procmail')))
        if not self.place.apart or not self.bin or not procmail:
            return False
        self.files = [self.bin, procmail]
        self.command = [self.bin, '--inetd', f'--command={procmail} -d']
        return True

    def version(self):
        return first_line(self.bin, '--version') + ' with ' + first_line(self.files[1], '-v')


AIOSMTPD = '''import asyncio, mailbox, sys
from aiosmtpd.smtp import SMTP

class Handler:
    async def handle_DATA(self, server, session, envelope):
        for recipient in envelope.rcpt_tos:
            box = mailbox.mbox('/var/mail/' + recipient.split('@')[0], create=False)
            for _ in range(2000):
                try:
                    box.lock()
                    break
                except mailbox.ExternalClashError:
                    await asyncio.sleep(0.005)
            try:
                box.add(envelope.content)
                box.flush()
            finally:
                box.unlock()
                box.close()
        return '250 stored'

async def main():
    loop = asyncio.get_running_loop()
    await loop.create_server(lambda: SMTP(Handler(), hostname=sys.argv[2],
        data_size_limit=200000000), '127.0.0.1', int(sys.argv[1]), backlog=200)
    await asyncio.Event().wait()

asyncio.run(main())
'''


class Aiosmtpd(Receiver):
    """With a handler of a few lines, which locks as Python's mailbox module does."""
    name, port, daemon = 'aiosmtpd', 2528, True

    def there(self):
        self.python = '/usr/bin/python3' if os.path.exists('/usr/bin/python3') else sys.executable
        self.env = dict(os.environ, PYTHONPATH=':'.join(
            glob.glob(PACKAGES + '/python3-*/usr/lib/python3/dist-packages')))
        self.files = [os.path.realpath(self.python)]
        return self.place.apart and subprocess.run([self.python, '-c', 'import aiosmtpd.smtp'],
            env=self.env, stderr=subprocess.DEVNULL).returncode == 0

    def version(self):
        done = subprocess.run([self.python, '-c', 'import aiosmtpd, platform; '
            'print("aiosmtpd", aiosmtpd.__version__, "on Python", platform.python_version())'],
            env=self.env, stdout=subprocess.PIPE, text=True)
        return done.stdout.strip()

    def start(self):
        write(self.place.dir + '/receiver.py', AIOSMTPD)
        self.launch(self.python, self.place.dir + '/receiver.py', str(self.port), HOST,
            env=self.env)


OURS = (Limit1, Limit2, Limit, Ours)
PEERS = (Postfix, PostfixBs, Exim, EximBs, OpenSmtpd, Qmail, Msmtpd, Aiosmtpd)

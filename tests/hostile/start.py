#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""start.py descriptors|environment|arguments - what a program is started with that means it ill."""
from receiver import *
import ctypes, itertools, struct

LIBC = ctypes.CDLL(None, use_errno=True)


def close(fds):
    def before_exec():
        for fd in fds:
            try:
                os.close(fd)
            except OSError:
                pass
    return before_exec


def whole_session(one, why):
    """One message, taken and stored once."""
    empty_mailbox()
    one.send(HELLO + MESSAGE + b'QUIT\r\n')
    said = one.rest()
    status = one.end()
    assert status == 0 and b'\r\n250 2.6.0 ' in said and said.endswith(b'\r\n'), (why, status, said)
    assert said.count(b'\r\n') == 7 and said.startswith(b'220 mail.example '), (why, said)
    assert messages() == 1 and b'\n\ntext\n\n' in mailbox(), (why, mailbox())
    return mailbox()


def descriptors():
    """Without 0 or 1 it ends at once; without 2 it works, and no log gets into anything else."""
    for count in range(4):
        for fds in itertools.combinations((0, 1, 2), count):
            for log in 'stderr', 'none', 'syslog':
                one = Receiver('-o', 'log=' + log, preexec_fn=close(fds))
                if 0 in fds or 1 in fds:
                    one.send(HELLO + MESSAGE)
                    assert one.process.wait(10) == 1, fds
                    assert one.rest() == b'' and not os.listdir(MAIL), fds
                else:
                    if 2 in fds:        # what is opened next must not get its number
                        other = Receiver('-o', 'log=' + log, preexec_fn=close(fds))
                        assert other.line().startswith(b'220 ')
                        second = os.readlink(f'/proc/{other.session}/fd/2')
                        assert second == '/dev/null', (log, second)
                        other.end()
                    assert b'delivered' not in whole_session(one, fds), fds
                    os.unlink(os.path.join(MAIL, 'joe'))


# A time zone of 13 hours and a half: a file holds it twice, and as a rule (RFC 8536 3).
ZONE = (b'TZif2' + bytes(15) + struct.pack('>6IiBB', 0, 0, 0, 0, 1, 4, 48600, 0, 0) + b'XXX\0') * 2 \
    + b'\nXXX-13:30\n'


def environment():
    """Whatever stands in it, a session goes as ever."""
    fifo, file = (os.path.join(os.environ['SCRATCH'], name) for name in ('fifo', 'file'))
    os.mkfifo(fifo)
    with open(file, 'wb') as zone:
        zone.write(ZONE)
    ugly = '\x1b[31m\nFrom: evil\r\n"<%s%n>'
    each = [{}, {'TZ': ':' + fifo}, {'TZ': fifo}, {'TZ': '../../../../../../../..' + fifo},
            {'TZ': file}, {'TZ': ':' + file}, {'TZ': './file'}, {'TZ': '../' * 20 + file[1:]},
            {'TZDIR': os.path.dirname(file), 'TZ': 'file'}, {'TZ': '::' + fifo}, {'TZ': ':./fifo'}, {'TZDIR': os.path.dirname(fifo), 'TZ': 'fifo'},
            {'TZ': ':/etc/shadow'}, {'TZ': ':/dev/zero'}, {'TZ': ''}, {'TZ': 'x' * 100000},
            {'TZ': ugly}, {'TZ': 'A999:99:99B-999,J0/999,J0/999'}, {'TZ': '<%s%n>-24:59:59'},
            {'TZ': 'Europe/Berlin'}, {'LD_LIBRARY_PATH': '/tmp', 'LD_BIND_NOW': '1'},
            {'MALLOC_PERTURB_': '165', 'MALLOC_ARENA_MAX': '1', 'MALLOC_TOP_PAD_': '999999999'},
            {'GLIBC_TUNABLES': 'glibc.malloc.check=3:glibc.malloc.perturb=1'},
            {'LANG': ugly, 'LC_ALL': '../../../etc', 'LANGUAGE': 'tr', 'NLSPATH': fifo},
            {'LC_ALL': 'tr_TR.UTF-8', 'LANG': 'tr_TR.UTF-8'},
            {'HOME': '/etc/shadow', 'USER': 'root', 'LOGNAME': 'root', 'MAIL': '/etc/passwd',
             'PWD': '/root', 'TMPDIR': fifo, 'IFS': 'x', 'PATH': '', 'SHELL': '/bin/sh'},
            {'POSIXLY_CORRECT': '1', 'HOSTALIASES': fifo, 'RES_OPTIONS': 'debug'},
            {name: ugly for name in ('TCPREMOTEIP', 'TCPREMOTEHOST', 'TCPREMOTEINFO', 'REMOTE_ADDR',
                                     'REMOTE_HOST', 'TCPLOCALIP', 'TCPLOCALHOST', 'PROTO')},
            {'TCPREMOTEIP': '1.2.3.4\nX-Forged: yes', 'REMOTE_ADDR': '::1]\r\nX-Forged: yes'},
            {'TCPREMOTEIP': '9' * 100000}, {'x' * 1000: 'y' * 1000},
            {f'V{i}': 'x' * 100000 for i in range(18)},
            {f'V{i}': '' for i in range(20000)}]
    kept = {name: os.environ[name] for name in os.environ if name.endswith('SAN_OPTIONS')}
    for variables in each:
        one = Receiver(env={**kept, **variables}, cwd=os.environ['SCRATCH'])
        box = whole_session(one, variables)
        why = {name: value[:80] for name, value in list(variables.items())[:9]}
        assert b' +1330\n' not in box, (variables, box)
        lines = box.split(b'\n')
        assert b'evil' not in box and b'\x1b' not in box, (why, box)
        assert not any(line.startswith(b'X-Forged') for line in lines), (why, box)
        assert lines[0].startswith(b'From sender@client.example ') and len(lines[0]) == 51, (why, lines)
        assert sum(1 for line in lines if line[:1] not in (b'', b'\t')) == 6, (why, box)
    with open(LOG, 'rb') as log:
        for line in log:
            assert line.startswith(b'<') and line[:-1].isascii() and b'\x1b' not in line, line


def execute(arguments):
    """Replace the process by the program with just these arguments, argv[0] included."""
    argv = (ctypes.c_char_p * (len(arguments) + 1))(*arguments, None)
    def before_exec():
        LIBC.execv(BIN.encode(), argv)
        os._exit(126)
    return before_exec


def arguments():
    """A wrong or strange command line is answered 421, logged, and nothing worse."""
    usual = [argument.encode() for argument in USUAL]
    for name in b'', b'-', b'in.smtpd', b'x' * 100000, b'\x1b[31m%s%n\n', b'-o':
        one = Receiver(preexec_fn=execute([name, *usual]))
        whole_session(one, name[:80])
    good = b'in.smtpd', *usual
    # Without any word at all (Linux makes one empty), the settings are those of this machine.
    one = Receiver(preexec_fn=execute([]))
    assert one.line()[:4] in (b'220 ', b'421 ')
    one.end()
    wrong = [[b'x'] * 1000, [b'-o', b'hostname=x.example'] * 100, [b'-o'], [b'-o', b''], [b'-o', b'='],
             [b'-o', b'x' * 100000], [b'-o', b'hostname=' + b'x' * 100000], [b'-f'], [b'-'], [b'--', b'x'],
             [b'-o', b'hostname=%s%s%n%n'], [b'-o', b'hostname=\x1b[31m'], [b'-x%s%n'], [b'-\xff'],
             [b'-f', b'/nonexistent\n<2>forged\x1b[31m'], [b'-f', b'x' * 5000], [b'-f', b'/dev/zero'],
             [b'-o', b'mailbox=%s%n'], [b'-o', b'mailbox=%'], [b'-o', b'mailbox=/%'], [b'-f', b''],
             [b'-o', b'hostname=a\r\n250 forged'], [b'-o', b'error-limit=99999999999999999999'],
             [b'-o', b'a\n<2>forged=1'], [b'-o', b'domains=' + b'a,' * 50000 + b'%s']]
    for more in wrong:
        one = Receiver(preexec_fn=execute([*good, *more]))
        one.send(HELLO + MESSAGE)
        said = one.rest()
        status = one.end()
        assert said.startswith(b'421 4.3.5 ') and said.count(b'\n') == 1, (more[-1][:80], said)
        assert len(said) <= 512 and b'\x1b' not in said, (more[-1][:80], said)
        assert status == 1 and not messages('none'), (more[-1][:80], status)
    with open(LOG, 'rb') as log:
        for line in log:
            assert line.startswith((b'<3>', b'<5>', b'<6>')) and b'\x1b' not in line, line
            assert len(line) <= 1024, line


main({'descriptors': descriptors, 'environment': environment, 'arguments': arguments})

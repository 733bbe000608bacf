#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""injection.py octets|names - a client's octets in replies, the log, and the lines of a mailbox.

Every octet, and what means something to a terminal, a shell, a format or a file system, in every
place that a client has for it.
"""
from receiver import *
import re

# For each C: the commands of a session that ends with a message to joe.
SESSION = [b'HELO a%sb', b'EHLO <%s>', b'HELO [%s]', b'EHLO %s', b'VRFY %s', b'VRFY joe%s',
           b'VRFY <joe%s@mail.example>', b'VRFY "%s"', b'HELP %s', b'NOOP %s', b'%s', b'X%s',
           b'MAIL FROM:<a%sb@client.example>', b'MAIL FROM:<"%s>', b'MAIL FROM:<a@client.example> %s=1',
           b'MAIL FROM:<a@client.example> SIZE=1%s', b'MAIL FROM:<a@[1.2.3.4%s]>', b'HELO c%s.example',
           b'MAIL FROM:<"a\\%sb"@client.example>', b'RSET', b'MAIL FROM:<"%s"@client.example>',
           b'MAIL FROM:<plain@client.example>', b'RCPT TO:<joe%s@mail.example>', b'RCPT TO:<joe@mail.example> %s',
           b'RCPT TO:<"joe%s"@mail.example>', b'RCPT TO:<joe@%s>', b'RCPT TO:<@a%s:joe@mail.example>',
           b'RCPT TO:<"joe+%s"@mail.example>', b'RCPT TO:<joe+a%sb@mail.example>',
           b'RCPT TO:<joe@mail.example>', b'DATA']
TEXTS = [b'\x1b[31m', b'\x1b]0;x\x07', b'\x9b31m', b'%s%n%x', b'\r', b'\n', b'\r\n', b'\0\r\n',
         b'\r\nRCPT TO:<root@mail.example>', b'\nFrom evil@x Mon Nov 23 00:00:00 2026\n',
         b'" reply="250 x', b'> from=<boss', b'\\', b'\\" x="', b') by evil (', b'; evil', b'From ',
         b'\xc2\x85', b'\xe2\x80\xa8', b'\xe2\x80\xae', b'\xff\xfe', b'\x08\x08\x08', b'\x7f', b'%0d%0a',
         b'=?utf-8?q?=0A?=', b'$(id)', b'`id`', b'|id', b';id', b'<2>', b'x' * 400, b'%u', b'%h', b'../' * 20]
HEAD = [rb'From [!-~]+ \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}', rb'Return-Path: <[ -~]*>',
        rb'Delivered-To: [!-~]+@mail\.example',
        rb'Received: from [!-~]+ \([ -~]*\)', rb'\tby mail\.example \(in\.smtpd\) with E?SMTP id [0-9A-F.]+(;)?',
        rb'(\tfor <[ -~]*>;)?', rb'\t\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}']
LOG_LINE = re.compile(rb'<[4-6]>[0-9A-F.]+: (accepted|delivered|refused|disconnect|deferred|pregreet)'
                      rb'( [a-z]+=("[^"\\]*"|<[^<>]*>|[^ "<>]+))+')


def check_mailbox(text, taken):
    """One message for each that was taken, with the lines that we write and no other."""
    parts = re.split(rb'(?m)^(?=From )', mailbox())
    assert parts[0] == b'' and len(parts) - 1 == taken, (text, parts, taken)
    for part in parts[1:]:
        head, _, body = part.partition(b'\nSubject: injected\n')
        lines = head.split(b'\n')
        if not lines[5].startswith(b'\tfor'):
            lines.insert(5, b'')
        assert len(lines) == len(HEAD), (text, lines)
        for line, pattern in zip(lines, HEAD):
            assert re.fullmatch(pattern, line), (text, line, pattern)
        assert body == b'\ntext\n\n', (text, body)


def check_said(text, said):
    for line in said.split(b'\r\n')[:-1]:
        assert re.fullmatch(rb'[2-5]\d\d[ -][ -~]*', line), (text, line)
        assert len(line) <= 510, (text, line)


def check_log(text):
    with open(LOG, 'rb') as log:
        for line in log.read().split(b'\n')[:-1]:
            assert LOG_LINE.fullmatch(line), (text, line)
            assert b' reply="250' not in line, (text, line)
            assert b'from=<boss' not in re.sub(rb'"[^"]*"', b'', line), (text, line)
    open(LOG, 'w').close()


def octets():
    """Replies, log and mailbox have their own shape, and nothing else in them."""
    every = [bytes([c]) for c in range(256)] + TEXTS
    for text in every:
        for name in os.listdir(MAIL):
            os.unlink(os.path.join(MAIL, name))
        one = Receiver('-o', 'error-delay=0', '-o', 'bare-newline=accept')
        for command in SESSION:
            one.send(command.replace(b'%s', text) + b'\r\n')
        one.send(b'Subject: injected\r\n\r\ntext\r\n.\r\nQUIT\r\n')
        said = one.rest()
        assert one.end() == 0, text
        check_said(text, said)
        check_mailbox(text, said.count(b' Delivered as '))
        check_log(text)
        assert set(os.listdir(MAIL)) <= {'joe', 'root'}, (text, os.listdir(MAIL))
    return f'{len(every)} texts'


NAMES = ['-', '--', '-rf', '-o', '..', '.', '/', '%u', '%h', '%s%n', '|', '|id', '~', '~root', '*', '?',
         '$HOME', '`id`', '#', '!', '&', ';', '../joe', 'joe/', '/etc/passwd', ':include:x', '.joe', '..joe',
         'joe.lock', 'x' * 64, 'x' * 63 + '/', 'x' * 65, '\\', '"', "'", 'con', 'joe ', ' joe', '{}', '=']


def tree():
    """All names that are not in the mailboxes' directory, with what can be known of each."""
    found = {}
    for top, names, files in os.walk(os.environ['SCRATCH']):
        names[:] = [name for name in names if os.path.join(top, name) != MAIL]
        for name in names + files:
            st = os.lstat(os.path.join(top, name))
            if os.path.join(top, name) not in (LOG, os.environ['SPOOL']):
                found[os.path.join(top, name)] = st.st_ino, st.st_size, st.st_ctime_ns, st.st_mode
    return found


def names():
    """A recipient is never an option, a path or a program, also where users are called so."""
    passwd = os.path.join(os.environ['SCRATCH'], 'names')
    with open(passwd, 'w') as file:
        for name in NAMES:
            uid = 20001 if os.geteuid() == 0 else os.geteuid()
            file.write(f'{name}:x:{uid}:8:{name}:/:/bin/sh\n')
        file.write('nobody:x:65534:65534:::\n')
    before = tree()
    taken = set()
    one = Receiver('-o', 'error-delay=0', '-o', 'passwd=' + passwd, '-o', 'recipient-delimiter=none')
    one.send(HELLO)
    one.replies(2)
    for name in NAMES:
        quoted = name.replace('\\', '\\\\').replace('"', '\\"')
        for recipient in f'<"{quoted}"@mail.example>', f'<{name}@mail.example>', f'{name}@mail.example':
            one.send(b'MAIL FROM:<>\r\nRCPT TO:%s\r\n' % recipient.encode())
            replies = one.replies(2)
            assert replies[1] in ('250', '501', '550', '555'), (recipient, replies)
            if replies[1] == '250':
                one.send(b'DATA\r\nSubject: x\r\n\r\n.\r\n')
                replies = one.replies(2)
                assert replies == ['354', '250'], (recipient, replies)
                taken.add(name)
            else:
                one.send(b'RSET\r\n')
                one.replies(1)
    one.end()
    assert set(os.listdir(MAIL)) == {name for name in taken if '/' not in name}, (os.listdir(MAIL), taken)
    assert not any('/' in name or name.startswith('.') for name in taken), taken
    assert len(taken) > 10, taken
    assert tree() == before, set(tree().items()) ^ set(before.items())
    return f'{len(taken)} of {len(NAMES)} names'


main({'octets': octets, 'names': names})

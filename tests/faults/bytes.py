#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""bytes.py many SEED COUNT|split - what was sent is what can be read, octet for octet.

Mail data of every kind, stuffed with dots as a client does it and sent in pieces cut anywhere, is
read back from the mailbox: our own header lines off, the quoting undone by the rule of mboxrd.
"""
import random
from faults import *

PIECES = [b'From ', b'>From ', b'>>From x', b'.', b'..', b'', b'\0', b' ', b'\t', b'Fro', b'>', b'>>>',
          bytes(range(1, 10)) + bytes([11, 12]) + bytes(range(14, 128)), bytes(range(128, 256)),
          b'x' * 998, b'.' * 70, b'>' * 70000, b'y' * 65536, b'z' * 65535, b'From', b'FROM ']
HEADERS = [b'Subject: x', b'From: me', b'X-Y: z\r\n\tfolded', b'Received: by x', b'From x',
           b'X-' + b'n' * 980 + b': long']


def mail_data(chance):
    """Some mail data: lines of it that end in CR LF."""
    lines = [chance.choice(HEADERS) for _ in range(chance.choice((0, 1, 3)))]
    if lines and lines[0].startswith(b'From '):
        lines.insert(0, b'Subject: first')      # else it is no header at all
    lines += [b''] if lines or chance.random() < 0.2 else []
    for _ in range(chance.choice((0, 1, 2, 5, 40))):
        lines.append(b''.join(chance.choice(PIECES) for _ in range(chance.choice((1, 1, 2, 3)))))
    return b''.join(line + b'\r\n' for line in lines)


def has_header(data):
    return re.match(rb'[!-9;-~]+:', data) is not None


def stuffed(data):
    return re.sub(rb'(?m)^\.', b'..', data)


def read_back(box):
    """The message of a mailbox that holds one, with what was added taken off."""
    check(box.startswith(b'From a@client.example '), 'the From_ line is', box[:40])
    check(box.endswith(b'\n\n'), 'no blank line at the end')
    text = box.split(b'\n', 1)[1][:-1]
    for name in (b'Return-Path: <a@client.example>\n', b'Delivered-To: joe@mail.example\n'):
        check(text.startswith(name), name, 'is not where it should be')
        text = text[len(name):]
    trace = re.match(rb'Received: from [^\n]*\n(\t[^\n]*\n)+', text)
    check(trace, 'there is no Received line')
    text = text[trace.end():]
    check(not re.search(rb'(?m)^From ', text), 'a From_ line stands unquoted')
    return re.sub(rb'(?m)^>(>*From )', rb'\1', text)


def send_anyhow(one, chance, octets):
    """In pieces cut anywhere, some of which are read by themselves."""
    while octets:
        n = chance.choice((1, 2, 3, 1000, 65536, 100000))
        one.send(octets[:n])
        octets = octets[n:]
        if chance.random() < 0.02:
            time.sleep(0.002)                   # so that a read ends here


def one_message(data, send):
    fresh_mail(['joe'], b'')
    one = Session('-o', 'message-size-limit=0')
    for line in (b'EHLO client.example', b'MAIL FROM:<a@client.example>',
                 b'RCPT TO:<joe@mail.example>', b'DATA'):
        one.send(line + b'\r\n')
        check(one.reply()[:1] in b'23', 'refused', line)
    send(one, stuffed(data) + b'.\r\n')
    one.expect(b'250')
    one.send(b'QUIT\r\n')
    one.expect(b'221')
    one.close()
    got, want = read_back(content('joe')), data.replace(b'\r\n', b'\n')
    if not has_header(data) and not data.startswith(b'\r\n') and data:
        check(got.startswith(b'\n'), 'mail data without a header is taken for one')
        got = got[1:]
    check(got == want, f'{len(want)} octets sent, {len(got)} read; they differ at',
          next((i for i, (a, b) in enumerate(zip(got, want)) if a != b), 'the end'))
    return len(data)


def many(seed, count):
    chance = random.Random(int(seed))

    def send(one, octets):
        send_anyhow(one, chance, octets)
    octets = sum(one_message(mail_data(chance), send) for _ in range(int(count)))
    # Each octet at each place of a line is in these.
    octets += sum(one_message(b'Subject: one\r\n\r\n' + bytes([n, n]) + b'\r\n', send)
                  for n in range(256) if n not in b'\r\n')
    return f'{int(count) + 254} messages, {octets} octets'


def split():
    """Two reads, the first of which ends at each octet of what is hard."""
    data = (b'Return: x\r\nFrom me\r\n\r\n.\r\n..\r\nFrom a\r\n.From b\r\n>>From c\r\n'
            + 20 * b'>' + b'From d\r\n' + 20 * b'>' + b'Fro\r\n\r\n.>From e\r\n')
    for place in range(len(stuffed(data)) + 3):
        def send(one, octets):
            one.send(octets[:place])
            time.sleep(0.004)
            one.send(octets[place:])
        one_message(data, send)
    return f'{len(stuffed(data)) + 3} places'


main({'many': many, 'split': split})

#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""smuggling.py all|split|commands reject|accept - everything that could be taken for an end of data.

The model is one line: the data end at the first CR LF . CR LF, that before DATA counted.  Whatever
stands in them, there is one reply to them, and what follows is answered in step.
"""
from receiver import *
import fcntl, itertools, re, struct

ENDS = [b''.join(octets) for length in range(4)
        for octets in itertools.product([b'\r', b'\n', b'\0'], repeat=length)]
# Those that were found in the wild (CVE-2023-51764, -51765, -51766 and what came after).
KNOWN = [b'\n.\n', b'\n.\r\n', b'\r\n.\n', b'\r.\r', b'\r\n.\r', b'\r.\r\n', b'\n.\r', b'\r.\n',
         b'\r\n\0.\r\n', b'\r\n.\0\r\n', b'\n\0.\n', b'\r\n.\r\r\n', b'\r\r\n.\r\n\0', b'\n\r.\n\r',
         b'\r\n.\r\0\n', b'\r\0\n.\r\n', b'\n\n.\n\n', b'\r\n.\n\r\n', b'\r\n.\r.\r\n']
SMUGGLED = (b'MAIL FROM:<evil@client.example>\r\nRCPT TO:<jane@mail.example>\r\nDATA\r\n'
            b'Subject: smuggled\r\n\r\ntext')
END = b'\r\n.\r\n'


def verdict(data, accept):
    """What the mail data DATA, their end included, must be answered; None if they end before."""
    if (b'\r\n' + data).find(END) != len(data) - 3:
        return None
    bare = re.search(rb'\r(?!\n)' if accept else rb'\r(?!\n)|(?<!\r)\n', data)
    return '554' if bare else '250'


def start(setting):
    one = Receiver('-o', 'bare-newline=' + setting, '-o', 'log=none', '-o', 'error-delay=0')
    one.send(HELLO)
    assert one.replies(2) == ['220', '250']
    return one


def variants(forms, setting):
    """(FORM, DATA, VERDICT) for each form, in the text and where it begins."""
    for form in forms:
        for before in b'Subject: outer\r\n\r\ntext', b'':
            data = before + form + SMUGGLED + END
            answer = verdict(data, setting == 'accept')
            if answer:
                yield form, data, answer


def check(one, form, answer):
    """One verdict, and the session in step: NOOP and HELP follow."""
    replies = one.replies(4)
    assert replies == ['250', '250', '354', answer], (form, answer, replies)
    rest = one.replies(1) + [one.line()[:9]]
    assert rest == ['250', b'214 2.0.0'], (form, rest)


def finish(one, taken):
    one.send(b'QUIT\r\n')
    assert one.rest().startswith(b'221 ')
    assert one.end() == 0
    assert messages('joe') == taken and messages('jane') == 0, (messages('joe'), taken)
    assert mailbox('joe').count(b'\nReceived: ') == taken


AFTER = b'NOOP\r\nHELP NOOP\r\n'


def play_all(setting):
    """All of three octets each, before and behind the dot, a transaction a write."""
    one, played, taken = start(setting), 0, 0
    forms = [before + b'.' + after for before in ENDS for after in ENDS]
    for form, data, answer in variants(forms + KNOWN, setting):
        one.send(ENVELOPE + data + AFTER)
        check(one, form, answer)
        played += 1
        taken += answer == '250'
    finish(one, taken)
    assert played > 2500 and 20 < taken < played, (played, taken)
    return f'{played} forms, {taken} messages'


def drain(one):
    """Wait until the other side has read all, so that the next write is a read of its own."""
    left = bytearray(4)
    while True:
        fcntl.ioctl(one.client, 0x5411, left)           # TIOCOUTQ
        if struct.unpack('i', left)[0] == 0:
            return
        time.sleep(0.0001)


def play_split(setting):
    """The known ones, the writes cut at every octet around the dot, and an octet a write."""
    one, played, taken = start(setting), 0, 0
    for form, data, answer in variants(KNOWN, setting):
        at = data.index(form)
        for cut in [*range(max(at - 2, 0), at + len(form) + 3), None]:
            one.send(ENVELOPE)
            octets = data + AFTER
            pieces = [octets[:cut], octets[cut:]] if cut is not None else \
                [octets[i:i + 1] for i in range(len(octets))]
            for piece in pieces:
                one.send(piece)
                drain(one)
            check(one, (form, cut), answer)
            played += 1
            taken += answer == '250'
    finish(one, taken)
    assert played > 150, played
    return f'{played} cuts, {taken} messages'


def play_commands(setting):
    """What stands between two commands and is no CR LF makes one line of them, in one reply."""
    one, played = start(setting), 0
    for form in ENDS:
        if not form or b'\r\n' in form or form.endswith(b'\r') or \
                setting == 'accept' and b'\n' in form:
            continue
        one.send(b'NOOP x' + form + b'VRFY joe\r\nHELP NOOP\r\n')
        replies = [one.line()[:5], one.line()[:5]]
        assert replies == [b'500 5', b'214 2'], (form, replies)
        played += 1
        if played % 50 == 0:
            one.send(b'QUIT\r\n')
            one.rest()
            one = start(setting)
    one.send(b'QUIT\r\n')
    assert one.rest().startswith(b'221 ')
    return f'{played} forms'


main({'all': play_all, 'split': play_split, 'commands': play_commands})

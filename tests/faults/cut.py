#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""cut.py close|reset - the connection is cut at every octet of a session.

Never a part of a message is delivered, and never a second copy: it is there, whole and once, if
the end of the mail data went out, and not at all if it did not.
"""
import struct
from faults import *


def cut_at(how, octets, end, whole):
    one = Session()
    one.send(octets[:end])
    if how == 'reset':
        # What came back unread makes the close a reset; so does this.
        one.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    else:
        one.client.shutdown(socket.SHUT_WR)
        while one.input.readline():
            pass
    one.close()
    for user in USERS:
        found = copies(content(user), b'cut')
        if how == 'close':
            check(found == (end >= whole), 'cut at', end, user, 'has', found, 'of', whole)
        else:
            check(found <= (end >= whole), 'cut at', end, user, 'has', found)
        if not found:
            check(content(user) == OLD, 'cut at', end, user, 'has changed')


def cut_everywhere(how):
    octets = (b'EHLO client.example\r\nMAIL FROM:<a@client.example> SIZE=300\r\n'
              b'RCPT TO:<joe@mail.example>\r\nRCPT TO:<ann@mail.example>\r\nDATA\r\n'
              + message(b'cut', 100))
    whole = len(octets)
    octets += b'NOOP\r\nQUIT\r\n'
    for end in range(len(octets) + 1):
        fresh_mail(USERS)
        cut_at(how, octets, end, whole)
    return f'{len(octets) + 1} places'


main({how: lambda how=how: cut_everywhere(how) for how in ('close', 'reset')})

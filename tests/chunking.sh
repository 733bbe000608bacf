#!/bin/sh
# SPDX-License-Identifier: ISC
# BDAT (RFC 3030): whatever the chunks, the message is the same; what cannot be counted is no mail.
# shellcheck disable=SC2119  # in_smtpd without arguments is meant so
# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"

transaction='C: MAIL FROM:<ann@client.example>
S: 250 *
C: RCPT TO:<joe@mail.example>
S: 250 *'

# texts USER: the messages in the mailbox, each from behind its Received lines, as a digest a line
texts() {
	python3 -c 'import hashlib, re, sys
for text in re.split(rb"(?m)^From .*\n", open(sys.argv[1], "rb").read())[1:]:
    text = re.sub(rb"\A(?:.*\n)*?Received: from .*\n\t.*\n(?:\t.*\n)*", b"", text)
    print(hashlib.sha256(text).hexdigest(), len(text))' "$MAIL/$1"
}

# The message that is cut at every octet: what there is to quote, to drop, to count and to end.
cat >"$SCRATCH/cut.py" <<'EOF2'
import sys
text = (b'Received: from a\r\nReturn-Path: <x@y>\r\n folded\r\nSubject: s\r\n\r\n'
        b'From a\r\n>From b\r\n>>>Fro\r\n.\r\n..x\r\nFrom \r\n\r\n.\r\n>>From')
out = sys.stdout.buffer
def transaction(*data):
    out.write(b'MAIL FROM:<ann@client.example>\r\nRCPT TO:<joe@mail.example>\r\n')
    out.write(b''.join(data))
def chunk(octets, last=b''):
    return b'BDAT %d%s\r\n' % (len(octets), last) + octets
out.write(b'EHLO client.example\r\n')
transaction(b'DATA\r\n', text.replace(b'\r\n.', b'\r\n..'), b'\r\n.\r\n')
for i in range(len(text) + 1):
    transaction(chunk(text[:i]), chunk(text[i:], b' LAST'))
transaction(*[chunk(text[i:i + 1]) for i in range(len(text))], chunk(b'', b' LAST'))
for size in 2, 3, 5, 7:
    transaction(*[chunk(text[i:i + size]) for i in range(0, len(text), size)], chunk(b'', b' LAST'))
out.write(b'QUIT\r\n')
EOF2

test_an_edge_between_chunks_changes_nothing_wherever_it_is() {
	python3 "$SCRATCH/cut.py" | in_smtpd >"$SCRATCH/said" 2>"$LOG"
	assertFalse 'refusals' "grep '^[45]' '$SCRATCH/said'"
	texts joe >"$SCRATCH/texts"
	assertEquals 'messages' 119 "$(wc -l <"$SCRATCH/texts")"
	assertEquals 'different texts' 1 "$(sort -u "$SCRATCH/texts" | wc -l)"
}

test_mail_data_of_many_megabytes_comes_through_in_constant_memory() {
	python3 -c 'import sys
line = b"%098d\r\n"
out = sys.stdout.buffer
out.write(b"EHLO c\r\nMAIL FROM:<a@c.example>\r\nRCPT TO:<joe@mail.example>\r\nBDAT 14\r\nX-First: 1\r\n\r\n")
for n in range(20):
    data = b"".join(line % i for i in range(10000))
    out.write(b"BDAT %d%s\r\n" % (len(data), b" LAST" if n == 19 else b"") + data)
out.write(b"MAIL FROM:<a@c.example>\r\nRCPT TO:<joe@mail.example>\r\n")
out.write(b"BDAT 99999999\r\n" + b"y" * 99999999 + b"QUIT\r\n")' >"$SCRATCH/sent"
	WRAP=$LITTLE_MEMORY
	in_smtpd -o log=none <"$SCRATCH/sent" >"$SCRATCH/said" 2>"$SCRATCH/memory" ||
		fail "$(cat "$SCRATCH/memory")"
	WRAP=''
	rm "$SCRATCH/sent"
	assertTrue "$(cat "$SCRATCH/said")" "grep -q '^250 2.6.0' '$SCRATCH/said'"
	assertTrue "$(cat "$SCRATCH/said")" "grep -q '^552 5.3.4' '$SCRATCH/said'"
	assertTrue "$(cat "$SCRATCH/said")" "grep -q '^221 ' '$SCRATCH/said'"
	assertEquals 'lines' 200000 "$(grep -c '^0*[0-9]\{6\}' "$MAIL/joe")"
}

# What is no count, or too many octets for any: the stream cannot be followed any more.
test_a_chunk_that_cannot_be_counted_ends_the_session() {
	for wrong in 'BDAT' 'BDAT x' 'BDAT -1' 'BDAT +1' 'BDAT 1x' 'BDAT 0x10' 'BDAT LAST' \
	    'BDAT 6 LAST LAST' 'BDAT 6 FIRST' 'BDAT 6,LAST' 'BDAT 6 6' 'BDAT 1 0' 'BDAT 6\tLAST' \
	    'BDAT\t6' 'BDAT6' 'BDAT\0 6' 'BDAT 6\0' 'BDAT 18446744073709551616' \
	    'BDAT 18446744073709551622 LAST' 'BDAT 99999999999999999999999' \
	    "BDAT 6$(printf '%600s' '')" "BDAT $(printf '%0600d' 6)" \
	    "BDAT 6$(printf '%2000s' '')" \
	    'BDAT 6\n\r\n'; do
		printf '%b\r\n' 'EHLO c' 'MAIL FROM:<a@c.example>' 'RCPT TO:<joe@mail.example>' \
		    "$wrong" RSET QUIT | in_smtpd 2>"$LOG" | tr -d '\r' | tail -n 2 >"$SCRATCH/said"
		assertEquals "$wrong" '501 5.5.4 Syntax: BDAT octets [LAST]
421 4.5.2 mail.example cannot tell chunk from command, closing connection' "$(cat "$SCRATCH/said")"
		assert_log 'disconnect .*reason="out of step"'
	done
	assertEquals 'messages' 0 "$(mailbox_messages joe)"
}

# 2^32 is a number like others: it is not the chunk of no octets that 32 bits would make of it.
test_a_chunk_of_four_gigabytes_is_not_taken_for_an_empty_one() {
	for size in 4294967296 4294967302 18446744073709551615; do
		talk -o message-size-limit=0 <<-EOF || fail "$size"
		S: 220 *
		C: EHLO client.example
		S+ 250?CHUNKING
		$transaction
		C: BDAT $size LAST
		C: NOOP
		C: QUIT
		CLOSE
		MBOX joe 0
		EOF
	done
	talk -o message-size-limit=0 <<-EOF
	S: 220 *
	C: EHLO client.example
	S+ 250?CHUNKING
	$transaction
	C- BDAT 1\r\nx
	S: 250 *
	C: BDAT 18446744073709551615 LAST
	C: NOOP
	CLOSE
	MBOX joe 0
	EOF
}

test_a_disk_that_is_full_is_told_at_its_chunk() {
	need_root || return 0
	mkdir -p "$SCRATCH/small"
	mount -t tmpfs -o size=1m tmpfs "$SCRATCH/small" 2>/dev/null ||
		{ skip 'no file system can be mounted'; return; }
	talk -o spool="$SCRATCH/small" <<-EOF
	# ways: one-write
	S: 220 *
	C: EHLO client.example
	S+ 250?CHUNKING
	$transaction
	C- BDAT 1000\r\n\{1000:x}
	S: 250 2.0.0 *
	C- BDAT 3000000\r\n\{3000000:x}
	S: 452 4.3.1 *
	C- BDAT 1000 LAST\r\n\{1000:x}
	S: 503 5.5.1 A chunk was refused*
	C: RSET
	S: 250 *
	$transaction
	C- BDAT 1000 LAST\r\n\{1000:x}
	S: 250 2.6.0 *
	C: QUIT
	S: 221 *
	END
	MBOX joe 1
	EOF
	umount "$SCRATCH/small"
}

# As with DATA: the time for mail data is one for all of it, pauses between chunks included.
test_chunks_that_drip_do_not_extend_the_data_deadline() {
	talk -o data-timeout=2 <<-EOF
	# ways: one-write
	S: 220 *
	C: EHLO client.example
	S+ 250?CHUNKING
	$transaction
	C- BDAT 1\r\nx
	S: 250 *
	WAIT 0.8
	C- BDAT 1\r\nx
	S: 250 *
	WAIT 0.8
	C: NOOP
	S: 250 *
	WAIT 0.8
	S: 421 4.4.2 *
	END
	MBOX joe 0
	EOF
}

test_a_chunk_that_never_ends_is_left() {
	talk -o data-timeout=1 <<-EOF
	S: 220 *
	C: EHLO client.example
	S+ 250?CHUNKING
	$transaction
	C- BDAT 10 LAST\r\nx
	S: 421 4.4.2 *
	END
	MBOX joe 0
	EOF
	talk -o data-timeout=1 <<-'EOF'
	S: 220 *
	C- BDAT 10 LAST\r\nx
	S: 421 4.4.2 *
	END
	EOF
}

test_refused_chunks_count_as_errors_and_their_octets_do_not() {
	talk -o error-limit=3 -o error-delay=0 <<-'EOF'
	S: 220 *
	C: BDAT 10\r\nBOGUS\r\nX
	S: 503 *
	C: BDAT 7\r\nBOGUS
	S: 503 *
	C: BDAT 7\r\nBOGUS
	S: 503 *
	S: 421 4.7.0 *
	END
	EOF
}

# shellcheck disable=SC1091
. shunit2

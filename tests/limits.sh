#!/bin/sh
# SPDX-License-Identifier: ISC
# Limits: what RFC 5321 4.5.3.1 says must be taken is taken, and one more is refused.
# shellcheck disable=SC2119  # in_smtpd without arguments is meant so
# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"

transaction='S: 220 *
C: HELO client.example
S: 250 *
C: MAIL FROM:<ann@client.example>
S: 250 *
C: RCPT TO:<joe@mail.example>
S: 250 *
C: DATA
S: 354 *'

# 4.5.3.1.4, CR LF counted; RFC 1870 adds 26 and RFC 6152 adds 17 to MAIL's.
test_a_mail_line_is_longer_by_what_its_parameters_take() {
	talk <<-'EOF'
	S: 220 *
	C: EHLO client.example
	S+ 250?*
	C: MAIL FROM:\{500: }<ann@client.example> SIZE=1
	S: 250 2.1.0 *
	C: RSET
	S: 250 *
	C: MAIL FROM:\{492: }<ann@client.example> SIZE=10 BODY=8BITMIME
	S: 250 2.1.0 *
	C: RSET
	S: 250 *
	C: MAIL FROM:\{1100: }<ann@client.example>
	S: 500 5.5.2 *
	C: RCPT TO:\{500: }<joe@mail.example>
	S: 500 5.5.2 *
	C: NOOP
	S: 250 *
	C: QUIT
	S: 221 *
	END
	EOF
}

test_every_other_line_has_512_octets() {
	talk <<-'EOF'
	S: 220 *
	C: HELP \{506:x}
	S: 500 5.5.2 Line too long
	C: BOGUS\{506:x}
	S: 500 5.5.2 Line too long
	C: BOGUS\{505:x}
	S: 500 5.5.1 *
	C: HELO client.example\{491: }
	S: 250 *
	C: QUIT
	S: 221 *
	END
	EOF
}

test_a_line_of_a_million_octets_is_one_error() {
	talk <<-'EOF'
	# ways: one-write
	S: 220 *
	C: \{1000000:NOOP }
	S: 500 5.5.2 Line too long
	C: NOOP
	S: 250 *
	C: QUIT
	S: 221 *
	END
	EOF
}

# 4.5.3.1.6: a text line of 1000 octets; the longer ones are taken as well, and whole.
test_long_lines_of_text_are_stored_whole() {
	talk <<-EOF
	# ways: one-write
	$transaction
	C: X-First: 1
	C:
	C: \{998:a}
	C: \{999:b}
	C: \{4096:c}
	C: \{65536:d}
	C: ..\{100000:e}
	C: .
	S: 250 2.6.0 *
	MBOX joe 1
	EOF
	sed -n '/^aa/,$p' "$MAIL/joe" | awk '{ print length($0) ":" substr($0, 1, 1) }' |
	    tr '\n' ' ' >"$SCRATCH/lengths"
	assertEquals '998:a 999:b 4096:c 65536:d 100001:. 0: ' "$(cat "$SCRATCH/lengths")"
}

# Whatever the size of any buffer: dots and From lines just before and behind its border.
test_no_buffer_border_shows_in_what_is_stored() {
	python3 - "$SCRATCH/borders" "$SCRATCH/wanted" <<-'EOF'
	import sys
	lines = ['X-First: 1', '']
	for i in range(12000):
	    lines.append(['From ' + 'x' * (i % 7), '.' * (i % 5), '>' * (i % 9) + 'From y',
	                  'z' * (i % 83)][i % 4])
	with open(sys.argv[1], 'w') as sent:
	    for line in lines:
	        sent.write('C: ' + ('.' if line.startswith('.') else '') + line + '\n')
	with open(sys.argv[2], 'w') as wanted:
	    for line in lines + ['']:
	        quoted = line.lstrip('>').startswith('From ')
	        wanted.write(('>' if quoted else '') + line + '\n')
	EOF
	{
		echo "$transaction"
		cat "$SCRATCH/borders"
		printf 'C: .\nS: 250 2.6.0 *\n'
	} >"$SCRATCH/dialogue"
	for _way in '' -b -a; do
		fresh_mail
		play_once "$_way" "$SCRATCH/dialogue" || fail "it was not delivered $_way"
		sed -n '/^X-First/,$p' "$MAIL/joe" | cmp - "$SCRATCH/wanted" ||
			fail "what is stored depends on the buffers $_way"
	done
}

test_a_message_of_many_megabytes_is_stored_whole() {
	python3 -c 'import random, sys
random.seed(1)
for _ in range(120000):
    sys.stdout.write("%0100x\n" % random.getrandbits(400))' >"$SCRATCH/text"
	{
		printf '%s\r\n' 'HELO c' 'MAIL FROM:<a@c.example>' 'RCPT TO:<joe@mail.example>' \
		    DATA 'X-First: 1' ''
		sed 's/$/\r/' "$SCRATCH/text"
		printf '.\r\nQUIT\r\n'
	} | in_smtpd >"$SCRATCH/said" 2>"$LOG"
	assertTrue "$(cat "$SCRATCH/said")" "grep -q '^250 2.6.0' '$SCRATCH/said'"
	{
		printf 'X-First: 1\n\n'
		cat "$SCRATCH/text"
		echo
	} >"$SCRATCH/wanted"
	sed -n '/^X-First/,$p' "$MAIL/joe" | cmp - "$SCRATCH/wanted" || fail 'it is not the same'
	rm -f "$SCRATCH/text" "$SCRATCH/wanted"
}

# crowd COUNT REPLY: RCPT lines for so many users.
crowd() {
	_i=1
	while [ $_i -le "$1" ]; do
		printf 'C: RCPT TO:<u%s@mail.example>\nS: %s\n' $_i "$2"
		_i=$((_i + 1))
	done
}

# 4.5.3.1.8 and 4.5.3.1.10: 452 for those that are too many, and the others get theirs.
test_a_hundred_recipients_are_taken_and_the_next_is_told_452() {
	_i=1
	grep '^nobody:' "$PASSWD" >"$SCRATCH/crowd"
	while [ $_i -le 101 ]; do
		user u$_i $((22000 + _i)) "User $_i"
		_i=$((_i + 1))
	done >>"$SCRATCH/crowd"
	{
		printf 'S: 220 *\nC: HELO c\nS: 250 *\nC: MAIL FROM:<>\nS: 250 *\n'
		crowd 100 '250 2.1.5 *'
		printf 'C: RCPT TO:<u101@mail.example>\nS: 452 4.5.3 *\n'
		printf 'C: RCPT TO:<u101@mail.example>\nS: 452 4.5.3 *\n'
		printf 'C: DATA\nS: 354 *\nC: Subject: for all\nC: .\nS: 250 2.6.0 *\n'
		printf 'C: QUIT\nS: 221 *\nEND\n'
	} >"$SCRATCH/dialogue"
	play "$SCRATCH/dialogue" -o passwd="$SCRATCH/crowd"
	assertEquals 'mailboxes' 100 "$(find "$MAIL" -type f | wc -l)"
	assertEquals 'the first' 1 "$(mailbox_messages u1)"
	assertEquals 'the last' 1 "$(mailbox_messages u100)"
	assertEquals 'one too many' 0 "$(mailbox_messages u101)"
}

test_the_recipient_limit_is_a_setting_and_counts_anew_for_each_message() {
	talk -o recipient-limit=2 <<-'EOF'
	S: 220 *
	C: HELO client.example
	S: 250 *
	C: MAIL FROM:<>
	S: 250 *
	C: RCPT TO:<joe@mail.example>
	S: 250 *
	C: RCPT TO:<nobody.here@mail.example>
	S: 550 5.1.1 *
	C: RCPT TO:<jane@mail.example>
	S: 250 *
	C: RCPT TO:<jsmith@mail.example>
	S: 452 4.5.3 *
	C: DATA
	S: 354 *
	C: .
	S: 250 *
	C: MAIL FROM:<>
	S: 250 *
	C: RCPT TO:<jsmith@mail.example>
	S: 250 *
	C: DATA
	S: 354 *
	C: .
	S: 250 *
	C: QUIT
	S: 221 *
	END
	MBOX joe 1
	MBOX jane 1
	MBOX jsmith 1
	EOF
}

# The limit counts octets as RFC 1870 does: CR LF each, and neither the stuffed dots nor the end.
test_a_message_as_long_as_the_limit_is_taken_and_one_octet_more_is_not() {
	talk -o message-size-limit=100 <<-EOF
	$transaction
	C: \{98:x}
	C: .
	S: 250 2.6.0 *
	C: MAIL FROM:<ann@client.example>
	S: 250 *
	C: RCPT TO:<joe@mail.example>
	S: 250 *
	C: DATA
	S: 354 *
	C: \{99:x}
	C: .
	S: 552 5.3.4 *
	C: QUIT
	S: 221 *
	END
	MBOX joe 1
	EOF
}

# received COUNT: so many Received lines, in any case, some of them folded
received() {
	_i=0
	while [ $_i -lt "$1" ]; do
		printf 'C: rEcEived: from x by y\nC: \twith Received: z;\n'
		_i=$((_i + 1))
	done
}

# RFC 5321 6.3: at least 100; ours is not one of them, and those in the text are no header's.
test_a_hundred_received_lines_are_taken_and_one_more_is_a_loop() {
	talk <<-EOF
	$transaction
	$(received 100)
	C:
	$(received 10)
	C: .
	S: 250 2.6.0 *
	C: MAIL FROM:<ann@client.example>
	S: 250 *
	C: RCPT TO:<joe@mail.example>
	S: 250 *
	C: DATA
	S: 354 *
	$(received 101)
	C:
	C: text
	C: .
	S: 554 5.4.6 *
	C: QUIT
	S: 221 *
	END
	MBOX joe 1
	LOG *refused *554 5.4.6*
	EOF
}

test_no_limit_is_size_without_one() {
	talk -o message-size-limit=0 <<-'EOF'
	S: 220 *
	C: EHLO client.example
	S+ 250?SIZE*
	C: MAIL FROM:<ann@client.example> SIZE=99999999999999
	S: 250 2.1.0 *
	C: QUIT
	S: 221 *
	END
	EOF
}

# Each has its reply, those who are too many as well; the session goes on, and does not grow.
test_ten_thousand_recipients_get_ten_thousand_replies() {
	grep -E '^(nobody|joe):' "$PASSWD" >"$SCRATCH/many"
	seq -f 'many%g:x:24000:8::/:/bin/sh' 10000 | sed "$([ -n "$ROOT" ] || echo "s/24000/$(id -u)/")" \
	    >>"$SCRATCH/many"
	for _protocol in smtp lmtp; do
		{
			[ $_protocol = smtp ] && echo 'EHLO c' || echo 'LHLO c'
			echo 'MAIL FROM:<ann@client.example>'
			seq -f 'RCPT TO:<many%g@mail.example>' 10000
			printf '%s\n' RSET 'MAIL FROM:<ann@client.example>' 'RCPT TO:<joe@mail.example>' DATA \
			    text . 'RCPT TO:<joe@mail.example>' QUIT
		} | sed 's/$/\r/' >"$SCRATCH/sent"
		WRAP=$LITTLE_MEMORY
		in_smtpd -o log=none -o passwd="$SCRATCH/many" -o recipient-limit=1000 \
		    -o protocol=$_protocol <"$SCRATCH/sent" >"$SCRATCH/said" 2>"$SCRATCH/memory" ||
			fail "$(cat "$SCRATCH/memory")"
		WRAP=''
		assertEquals 'taken' 1001 "$(grep -c '^250 2.1.5 ' "$SCRATCH/said")"
		assertEquals 'too many' 9000 "$(grep -c '^452 4.5.3 ' "$SCRATCH/said")"
		assertEquals 'delivered' 1 "$(grep -c '^250 2.6.0 ' "$SCRATCH/said")"
		assertEquals 'at the end' 2 "$(grep -cE '^503 5.5.1 Need MAIL|^221 ' "$SCRATCH/said")"
	done
	assertEquals 'messages' 2 "$(mailbox_messages joe)"
}

# shellcheck disable=SC1091
. shunit2

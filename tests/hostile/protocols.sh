#!/bin/sh
# SPDX-License-Identifier: ISC
# Clients that speak another protocol, or that speak too soon.
# shellcheck source=tests/lib.sh
. "${TESTS:-${0%/*}/..}/lib.sh"
export BIN USUAL

door='554 5.5.1 This is SMTP and nothing else; closing connection'

# What a client that was tricked sends behind its first line.
smuggled='C: HELO client.example
C: MAIL FROM:<evil@client.example>
C: RCPT TO:<joe@mail.example>
C: DATA
C: Subject: posted
C: .
C: QUIT'

# turned_away TEXT...: each is answered once, as the first command and as a later one, and what
# follows it is not obeyed.
turned_away() {
	for _text; do
		talk <<-EOF || fail "with $_text"
		S: 220 *
		C- $_text
		$smuggled
		S: $door
		END
		MBOX joe 0
		LOG *refused *554 5.5.1*
		LOG *disconnect*reason="other protocol"*
		EOF
		talk -a <<-EOF || fail "with $_text behind RCPT"
		S: 220 *
		C: EHLO client.example
		S+ 250?*
		C: MAIL FROM:<ann@client.example>
		S: 250 *
		C: RCPT TO:<joe@mail.example>
		S: 250 *
		C- $_text
		S: $door
		END
		MBOX joe 0
		EOF
	done
}

test_a_browser_is_shown_the_door() {
	turned_away 'GET / HTTP/1.1\r\n' 'POST / HTTP/1.1\r\n' 'PUT /x HTTP/1.1\r\n' \
	    'CONNECT mail.example:25 HTTP/1.1\r\n' 'OPTIONS * HTTP/1.1\r\n' 'HEAD / HTTP/1.0\r\n' \
	    'PRI * HTTP/2.0\r\n' 'PATCH /x HTTP/1.1\r\n' 'TRACE / HTTP/1.1\r\n' 'get /\r\n' \
	    'GET http://mail.example:25/ HTTP/1.1\r\n' 'DELETE /x HTTP/1.1\r\n'
}

test_no_length_and_no_line_end_hides_a_request() {
	turned_away 'GET / HTTP/1.1\n' 'GET /\{2000:x} HTTP/1.1\r\n' 'POST /\{70000:x}\r\n' \
	    'GET /\r' 'POST /\0 HTTP/1.1\r\n' 'POST /x\n\r\n' 'Cookie: \{2000:x}\r\n'
}

# As in the head of a request, and as in a message whose DATA was refused.
test_a_field_is_shown_the_door() {
	turned_away 'Host: mail.example\r\n' 'Content-Type: text/plain\r\n' 'X_y.z:\r\n' \
	    'Subject:x\r\n' 'User-Agent: x\n'
}

test_other_protocols_are_shown_the_door() {
	turned_away 'DESCRIBE rtsp://mail.example/ RTSP/1.0\r\n' 'INVITE sip:joe@mail.example SIP/2.0\r\n' \
	    'REGISTER sip:mail.example SIP/2.0\r\n' 'SSH-2.0-OpenSSH_9.2\r\n' 'ssh-1.99-x\n' \
	    'PROPFIND / HTTP/1.1\r\n' 'SETUP rtsp://mail.example/ RTSP/1.0\r\n'
}

# Without a line end: TLS clients wait for an answer, and so nobody may.
test_a_tls_hello_is_shown_the_door_at_its_first_octet() {
	for _hello in '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' '\x16' '\x16\x03\x01\n\r\n' \
	    '\x80\x2e\x01\x03\x01' '\0' '\0\0\0\x18' '\x03\0\0/\xe0' '\x05\x01\0' '\x04\x01\0\x19'; do
		talk <<-EOF || fail "with $_hello"
		# timeout: 5
		S: 220 *
		C: NOOP
		S: 250 *
		C- $_hello
		S: $door
		END
		EOF
	done
}

test_whether_it_is_another_protocol_does_not_depend_on_the_writes() {
	for _text in 'GET / HTTP/1.1\r\n' 'Host: x\r\n' '\x16\x03\x01' 'SSH-2\n'; do
		printf 'S: 220 *\nC: NOOP\nS: 250 *\nC- %s\nS: %s\nEND\n' "$_text" "$door" \
		    >"$SCRATCH/dialogue"
		play "$SCRATCH/dialogue"
	done
}

# Every verb, in any case, with what comes closest to a field or a request behind it.
test_no_command_is_taken_for_another_protocol() {
	PYTHONPATH=$TESTS/hostile python3 - <<-'EOF' || fail 'a command was'
	from receiver import *
	verbs = ('HELO EHLO MAIL RCPT DATA RSET NOOP VRFY HELP QUIT EXPN SEND SOML SAML TURN STARTTLS '
	         'AUTH BDAT ETRN LHLO XCLIENT BOGUS PROXY GET POST OPTIONS').split()
	rests = ['', ' ', '/ HTTP/1.1', ' :', ' Host: x', ' FROM:', ' TO:<joe>', ' a:b', '\t:x',
	         'x' * 500, ' ' + 'x' * 500, ' ' + 'x' * 2000, '\r', ' \x16\x03', '\x16', '-']
	for verb in verbs + [verb.lower() for verb in verbs] + [' ' + verb for verb in verbs]:
	    one = Receiver('-o', 'error-delay=0')
	    if verb.strip() in ('GET', 'POST', 'OPTIONS', 'get', 'post', 'options'):
	        rests = ['', '\t/', 'x /', '-', '/']
	    for rest in rests:
	        if verb.upper().strip() != 'QUIT' or rest.strip(' '):
	            one.send((verb + rest + '\r\n').encode())
	    one.send(b'QUIT\r\n')
	    said = one.rest()
	    # A BDAT without a number is the end, for a reason of its own.
	    ended = b'\n421 4.5.2 ' if verb.upper().strip() == 'BDAT' else b'\n221 2.0.0 '
	    assert b'554 5.5.1' not in said and ended in said, (verb, said)
	EOF
}

# Mail data is never looked at for it.
test_any_text_may_stand_in_a_message() {
	talk <<-'EOF'
	S: 220 *
	C: HELO client.example
	S: 250 *
	C: MAIL FROM:<ann@client.example>
	S: 250 *
	C: RCPT TO:<joe@mail.example>
	S: 250 *
	C: DATA
	S: 354 *
	C- \x16\x03\x01\r\n
	C: GET / HTTP/1.1
	C: Host: mail.example
	C: SSH-2.0-x
	C: .
	S: 250 *
	C: QUIT
	S: 221 *
	END
	MBOX joe 1
	BODY joe GET / HTTP/1.1
	BODY joe SSH-2.0-x
	EOF
}

# What is eaten of a line that is too long is no line.
test_the_tail_of_a_long_line_is_no_request() {
	talk -o error-delay=0 <<-'EOF'
	S: 220 *
	C: \{1100:x}GET / HTTP/1.1
	C- \{65536:x}\nGET / HTTP/1.1\nHost: x\r\n
	S: 500 5.5.2 *
	S: 500 5.5.2 *
	C: QUIT
	S: 221 *
	END
	EOF
}

test_a_client_that_talks_before_the_greeting_is_logged() {
	for _socket in tcp pair pipes; do
		talk <<-EOF
		# pregreet: HELO client.example\\r\\n
		# socket: $_socket
		S: 220 *
		S: 250 *
		C: QUIT
		S: 221 *
		END
		LOG *pregreet client=* text="HELO client.example[?][?]"
		EOF
	done
}

test_it_is_refused_where_pregreet_says_so() {
	for _socket in tcp pair pipes; do
		talk -o pregreet=refuse <<-EOF
		# pregreet: HELO client.example\\r\\nMAIL FROM:<>\\r\\n
		# socket: $_socket
		S: 554 5.5.1 Wait for the greeting before you talk; closing connection
		END
		LOG *pregreet client=* text="HELO client.example*
		LOG *refused *554 5.5.1*
		LOG *disconnect *reason="pregreet"*
		EOF
	done
}

test_what_it_says_makes_no_line_of_the_log() {
	talk <<-'EOF'
	# pregreet: x" reply="250\n<2>forged: \x1b[31m\r\n
	S: 220 *
	S: 500 *
	LOG *pregreet client=* text="x[?] reply=[?]250[?]<2>forged: [?][[]31m[?][?]"
	EOF
	assertFalse 'forged' "grep -q '^<2>' '$LOG'"
}

test_a_client_that_waits_or_goes_is_not_logged_as_one_that_talks() {
	for _end in CLOSE RESET 'C: NOOP
S: 250 *'; do
		talk -o pregreet=refuse <<-EOF
		S: 220 *
		$_end
		!LOG *pregreet*
		EOF
	done
	# One that is gone before it is greeted.
	in_smtpd -o pregreet=refuse </dev/null >"$SCRATCH/said" 2>"$LOG"
	assertTrue "$(cat "$SCRATCH/said")" "grep -q '^220 ' '$SCRATCH/said'"
	assertFalse 'logged' "grep -q pregreet '$LOG'"
}

# It costs one system call, and no time.
test_the_look_for_a_pregreeter_waits_for_nothing() {
	need strace || return 0
	WRAP="strace -qq -e trace=network,poll,ppoll,read,write -o $SCRATCH/trace"
	printf 'S: 220 *\nC: QUIT\nS: 221 *\nEND\n' | talk
	WRAP=
	grep -B1 '"220 ' "$SCRATCH/trace" | head -n 1 >"$SCRATCH/before"
	assertTrue "$(cat "$SCRATCH/before")" "grep -q 'poll(\[{fd=0, .*tv_nsec=0}.* = 0' '$SCRATCH/before'"
}

# shellcheck disable=SC1091
. shunit2

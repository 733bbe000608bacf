#!/bin/sh
# SPDX-License-Identifier: ISC
# Every row of reply.h is said by a real session: its number, its code and its text.
#
# provoke_NAME is what brings a session to say the row NAME; the rows are found in reply.h, so a new
# row is a test that fails until it has one.  A line counts for the row that fits it most closely.
# shellcheck disable=SC2119  # in_smtpd without arguments is meant so
# shellcheck disable=SC2317  # they are called by name
# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"

TREE=$(cd "$TESTS/.." && pwd)

# NAME NUMBER DETAIL TEXT, parted by tabs, of each row of reply.h
rows() {
	printf '#include "reply.h"\n#define R(name, number, detail, text) @name number detail text\n%s\n' \
	    'REPLIES(R)' | cc -E -P -I "$TREE" - | { tr '\n@' ' \n'; echo; } |
	    sed -n 's/^ *\([A-Z0-9_]*\) \([2-5][0-9][0-9]\) "\([0-9.]*\)" "\(.*\)" *$/\1\t\2\t\3\t\4/
	T
	s/" *"//g
	p'
}

# say LINE...: a session in which the client says these, a CR LF behind each (%b octets)
say() {
	_arguments=''
	while [ "${1#-o}" != "$1" ]; do
		_arguments="$_arguments $1 $2"
		shift 2
	done
	# shellcheck disable=SC2086  # many words
	printf '%b\r\n' "$@" | in_smtpd -o error-delay=0 $_arguments 2>"$LOG"
}

# in_transaction LINE...: the same behind a MAIL
in_transaction() {
	_more=''
	while [ "${1#-o}" != "$1" ]; do
		_more="$_more $1 $2"
		shift 2
	done
	# shellcheck disable=SC2086  # many words
	say $_more 'EHLO client.example' 'MAIL FROM:<ann@client.example>' "$@"
}

# with_text LINE...: and a RCPT, DATA and this text
with_text() {
	in_transaction 'RCPT TO:<joe@mail.example>' DATA "$@" .
}

provoke_STATUS_SENDER() { say 'HELP STATUS'; }
provoke_STATUS_RECIPIENTS() { say 'HELP STATUS'; }
provoke_STATUS_TRANSACTIONS() { say 'HELP STATUS'; }
provoke_STATUS_LIMITS() { say 'HELP STATUS'; }
provoke_STATUS_TIME() { say 'HELP STATUS'; }
provoke_HELP_TEXT() { say HELP; }
provoke_GREETING() { say QUIT; }
provoke_GREETING_LMTP() { say -o protocol=lmtp QUIT; }
provoke_GOODBYE() { say QUIT; }
provoke_HELLO() { say 'HELO client.example'; }
provoke_OFFER_PIPELINING() { say 'EHLO client.example'; }
provoke_OFFER_SIZE() { say 'EHLO client.example'; }
provoke_OFFER_8BITMIME() { say 'EHLO client.example'; }
provoke_OFFER_ENHANCED() { say 'EHLO client.example'; }
provoke_OFFER_SMTPUTF8() { say 'EHLO client.example'; }
provoke_OFFER_CHUNKING() { say 'EHLO client.example'; }
provoke_OFFER_LIMITS() { say 'EHLO client.example'; }
provoke_OFFER_SEND() { say -o terminals=yes 'EHLO client.example'; }
provoke_OFFER_SOML() { say -o terminals=yes 'EHLO client.example'; }
provoke_OFFER_SAML() { say -o terminals=yes 'EHLO client.example'; }
provoke_OTHER_PROTOCOL() { say 'GET / HTTP/1.0'; }
provoke_TALKED_TOO_SOON() { say -o pregreet=refuse QUIT; }
provoke_OFFER_EXPN() { say 'EHLO client.example'; }
provoke_OFFER_VRFY() { say 'EHLO client.example'; }
provoke_MEMBER_IS() { say -o aliases="$ALIASES" 'VRFY staff'; }
provoke_CANNOT_EXPAND() { say -o expn=no 'EXPN joe'; }
provoke_ALIASES_UNREADABLE() { say -o aliases="$MAIL" 'EXPN joe'; }
provoke_LIST_FAULT() { in_transaction -o aliases="$ALIASES" 'RCPT TO:<vacation@mail.example>'; }
provoke_NOT_LOCAL() { in_transaction -o aliases="$ALIASES" 'RCPT TO:<moved@mail.example>'; }
provoke_OFFER_HELP() { say 'EHLO client.example'; }
provoke_OK() { say NOOP; }
provoke_SENDER_OK() { in_transaction; }
provoke_RECIPIENT_OK() { in_transaction 'RCPT TO:<joe@mail.example>'; }
provoke_CHUNK_OK() { in_transaction 'RCPT TO:<joe@mail.example>' 'BDAT 2\r\n'; }
provoke_ACCEPTED() { with_text text; }
provoke_USER_IS() { say 'VRFY joe'; }
provoke_CANNOT_VERIFY() { say -o vrfy=no 'VRFY joe'; }
provoke_UTF8_NOT_ASKED_FOR() { say -o domains=b"$(printf '\303\274')"cher.example 'VRFY joe'; }
provoke_SEND_DATA() { with_text text; }
provoke_SHUTTING_DOWN() {
	mkfifo "$SCRATCH/fifo"
	# shellcheck disable=SC2086  # many words
	"$BIN" $USUAL <"$SCRATCH/fifo" 2>"$LOG" &
	_pid=$!
	exec 7>"$SCRATCH/fifo"
	within 5 grep -q '^220 ' "$SCRATCH/said"
	kill $_pid
	wait $_pid
	exec 7>&-
	rm "$SCRATCH/fifo"
}
provoke_MISCONFIGURED() { say -o no-such=1 QUIT; }
provoke_TIMED_OUT() { { echo; sleep 2; } | in_smtpd -o command-timeout=1 2>"$LOG"; }
provoke_OUT_OF_STEP() { say 'BDAT x'; }
provoke_TOO_MANY_ERRORS() { say -o error-limit=1 BOGUS; }
provoke_TOO_MANY_MESSAGES() {
	in_transaction -o transaction-limit=1 RSET 'MAIL FROM:<ann@client.example>'
}
provoke_MAILBOX_BUSY() {
	: >"$MAIL/joe.lock"
	in_transaction -o lock-timeout=0 'RCPT TO:<joe@mail.example>' DATA text .
}
provoke_NOT_AT_TERMINAL() {
	say -o terminals=yes -o utmp=/dev/null 'EHLO client.example' 'SEND FROM:<ann@client.example>' \
	    'RCPT TO:<joe@mail.example>'
}
provoke_MAILBOX_UNUSABLE() {
	ln -s /nowhere "$MAIL/joe"
	in_transaction 'RCPT TO:<joe@mail.example>'
}
# What does not fit into memory goes to a file, which may not grow.
provoke_LOCAL_ERROR() {
	(ulimit -f 8 && with_text "$(printf '%1500000s' '')") 2>/dev/null
}
provoke_USERS_UNREADABLE() {
	in_transaction -o passwd=/no/such/file -o user=65533 'RCPT TO:<joe@mail.example>'
}
provoke_DISK_FULL() {
	say -o message-size-limit=0 'EHLO client.example' \
	    'MAIL FROM:<ann@client.example> SIZE=999999999999999999' 'RCPT TO:<joe@mail.example>'
}
provoke_TOO_MANY_RECIPIENTS() {
	in_transaction -o recipient-limit=1 'RCPT TO:<joe@mail.example>' 'RCPT TO:<ann@mail.example>'
}
provoke_UNKNOWN_COMMAND() { say BOGUS; }
provoke_TOO_LONG() { say "NOOP $(printf '%600d' 0)"; }
provoke_BAD_LINE_END() { say 'NOOP\nNOOP'; }
provoke_BAD_CHARACTER() { say 'NOOP \001'; }
provoke_SYNTAX() { say RSET\ x; }
provoke_BAD_SENDER() { say 'HELO client.example' 'MAIL FROM:<ann>'; }
provoke_BAD_RECIPIENT() { in_transaction 'RCPT TO:<joe>'; }
provoke_BAD_PARAMETER() { say 'EHLO c' 'MAIL FROM:<> SIZE=x'; }
provoke_NOT_IMPLEMENTED() { say TURN; }
provoke_NEED_HELLO() { say DATA; }
provoke_NEED_LHLO() { say -o protocol=lmtp DATA; }
provoke_NEED_SENDER() { say 'HELO client.example' DATA; }
provoke_NEED_RECIPIENT() { in_transaction DATA; }
provoke_SENDER_GIVEN() { in_transaction 'MAIL FROM:<>'; }
provoke_NEED_BDAT() { in_transaction 'RCPT TO:<joe@mail.example>' 'BDAT 0' DATA; }
provoke_CHUNK_REFUSED() { in_transaction 'RCPT TO:<joe@mail.example>' 'BDAT 4\r\na\n' 'BDAT 0'; }
provoke_UNKNOWN_TOPIC() { say 'HELP BOGUS'; }
provoke_NO_SUCH_USER() { say 'VRFY nobody.here'; }
provoke_NOT_OUR_DOMAIN() { in_transaction 'RCPT TO:<joe@elsewhere.example>'; }
provoke_MAILBOX_FULL() {
	in_transaction -o mailbox-size-limit=10 'RCPT TO:<joe@mail.example>' DATA text .
}
provoke_MESSAGE_TOO_BIG() {
	say -o message-size-limit=10 'EHLO c' 'MAIL FROM:<> SIZE=11'
}
provoke_AMBIGUOUS_USER() { say 'VRFY Smith'; }
provoke_POSSIBLE_USER() { say 'VRFY Smith'; }
provoke_UTF8_NOT_DECLARED() { in_transaction 'RCPT TO:<j\0303\0274rg@mail.example>'; }
provoke_AMBIGUOUS_UTF8() { say -o domains=b"$(printf '\303\274')"cher.example 'VRFY Smith'; }
provoke_BARE_NEWLINE() { with_text 'a\nb'; }
provoke_LOOP() {
	with_text "$(seq -s '\r\n' -f 'Received: %g' 101)"
}
provoke_UNKNOWN_PARAMETER() { say 'EHLO c' 'MAIL FROM:<> X=y'; }

# rows_of FILE: the names of the rows that its lines are, and what is no row's
rows_of() {
	python3 -c 'import re, sys
rows = [line.rstrip("\n").split("\t") for line in open(sys.argv[1])]
for line in open(sys.argv[2], "rb").read().decode("latin-1").split("\r\n")[:-1]:
    fits = []
    for name, number, detail, text in rows:
        code = number[0] + "." + detail + " " if detail else ""
        pattern = number + "[- ]" + re.escape(code) + ".*".join(map(re.escape, text.split("%s")))
        if re.fullmatch(pattern, line):
            fits.append((len(code) + len(text), name))
    print(max(fits)[1] if fits else "no row: " + line)' "$SCRATCH/rows" "$1"
}

check_row() {
	if ! type "provoke_$1" >/dev/null 2>&1; then
		fail "no session provokes $1: replies.sh needs a provoke_$1"
		return
	fi
	"provoke_$1" >"$SCRATCH/said"
	rows_of "$SCRATCH/said" >"$SCRATCH/found"
	if grep 'no row' "$SCRATCH/found"; then
		fail 'what reply.h does not have was said'
	elif ! grep -qx "$1" "$SCRATCH/found"; then
		cat "$SCRATCH/said"
		fail "$1 was not said"
	else
		echo "$1" >>"$SCRATCH/provoked"
	fi
}

# RFC 821 4.2.2 but for 251, and what RFC 5321 4.2.3 adds; 551 is for lists that lead elsewhere.
test_every_number_of_the_rfcs_is_there() {
	need cc || return 0
	_numbers='211 214 220 221 250 252 354 421 450 451 452 500 501 502 503 504 550 552 553 554 555'
	! "$BIN" -h | grep -q '^aliases ' || _numbers="$_numbers 551"
	for _number in $_numbers; do
		cut -f 2 "$SCRATCH/rows" | grep -qx "$_number" || fail "no row has $_number"
	done
}

test_every_session_here_has_its_row() {
	need cc || return 0
	sed -n 's/^provoke_\([A-Z0-9_]*\)().*/\1/p' "$0" | while read -r _name; do
		cut -f 1 "$SCRATCH/rows" | grep -qx "$_name" || echo "$_name"
	done >"$SCRATCH/stale"
	assertEquals 'provoked and not in reply.h' '' "$(cat "$SCRATCH/stale")"
}

test_no_row_is_left_out() {
	need cc || return 0
	assertTrue 'rows' "[ $(wc -l <"$SCRATCH/rows") -ge 60 ]"
	assertEquals 'rows of reply.h that no session said' '' \
	    "$(cut -f 1 "$SCRATCH/rows" | grep -vxFf "$SCRATCH/provoked")"
	assertEquals 'rows in the sources' "$(grep -c '^	R(' "$TREE/reply.h")" \
	    "$(wc -l <"$SCRATCH/rows")"
	echo "coverage: $(wc -l <"$SCRATCH/provoked") replies of $(wc -l <"$SCRATCH/rows") provoked," \
	    "$(cut -f 2 "$SCRATCH/rows" | sort -u | wc -l) numbers"
}

: >"$SCRATCH/provoked"
: >"$SCRATCH/rows"
! command -v cc >/dev/null || rows >"$SCRATCH/rows"
names=''
while read -r name _; do
	eval "test_a_session_says_$name() { check_row $name; }"
	names="$names test_a_session_says_$name"
done <"$SCRATCH/rows"

suite() {
	for name in $names test_every_number_of_the_rfcs_is_there \
	    test_every_session_here_has_its_row test_no_row_is_left_out; do
		suite_addTest "$name"
	done
}

# shellcheck disable=SC1091
. shunit2

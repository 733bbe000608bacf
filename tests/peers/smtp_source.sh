#!/bin/sh
# SPDX-License-Identifier: ISC
# Postfix's smtp-source as the client: many sessions at once, through tcpsvd.
# shellcheck source=tests/lib.sh
. "${TESTS:-${0%/*}/..}/lib.sh"

SMTP_SOURCE=$TESTS/../build/packages/postfix

# source_of_mail ARGUMENT...: smtp-source through a super-server on a free port
source_of_mail() {
	_port=$(python3 -c 'import socket
with socket.socket() as s:
	s.bind(("127.0.0.1", 0))
	print(s.getsockname()[1])')
	# shellcheck disable=SC2086  # many words
	tcpsvd -E -l localhost -c 60 127.0.0.1 "$_port" "$BIN" $USUAL </dev/null 2>"$LOG" &
	_server=$!
	within 5 grep -q "$(printf ':%04X 00000000:0000 0A' "$_port")" /proc/net/tcp
	LD_LIBRARY_PATH=$SMTP_SOURCE/usr/lib/postfix timeout 120 \
	    "$SMTP_SOURCE/usr/sbin/smtp-source" -4 -f sender@client.example -M client.example \
	    "$@" "127.0.0.1:$_port" 2>&1
	_status=$?
	kill "$_server"
	wait "$_server" 2>/dev/null
	return $_status
}

there() {
	[ -x "$SMTP_SOURCE/usr/sbin/smtp-source" ] || { skip 'smtp-source is not there'; return 1; }
	need tcpsvd
}

test_two_hundred_messages_in_twenty_sessions_at_once_arrive_in_one_mailbox() {
	there || return 0
	source_of_mail -s 20 -m 200 -l 4096 -t joe@mail.example || fail "smtp-source: $?"
	assertEquals 200 "$(mailbox_messages joe)"
}

test_a_message_to_many_recipients_arrives_at_each() {
	there || return 0
	# Its recipients are lee, 2lee, 3lee and so on.
	many=$(seq -f '%glee' 2 50)
	for _user in lee $many; do
		user "$_user" 21000 Lee >>"$PASSWD"
	done
	source_of_mail -m 5 -s 5 -r 50 -l 1000 -t lee@mail.example || fail "smtp-source: $?"
	for _user in lee $many; do
		assertEquals "$_user" 5 "$(mailbox_messages "$_user")"
	done
}

test_several_messages_in_one_session_arrive() {
	there || return 0
	source_of_mail -d -s 2 -m 20 -l 100000 -t ann@mail.example || fail "smtp-source: $?"
	assertEquals 20 "$(mailbox_messages ann)"
}

# shellcheck disable=SC1091
. shunit2

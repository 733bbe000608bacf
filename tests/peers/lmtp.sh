#!/bin/sh
# SPDX-License-Identifier: ISC
# Postfix's lmtp client hands over mail, in namespaces of their own: what each recipient is told
# decides what becomes of his copy, and of nobody else's.
# shellcheck source=tests/lib.sh
. "${TESTS:-${0%/*}/..}/lib.sh"

POSTFIX=$(cd "$TESTS/.." && pwd)/build/packages/postfix
CONF=$SCRATCH/postfix
MAILLOG=$SCRATCH/maillog

there() {
	need_root && need tcpsvd && need unshare || return 1
	[ -x "$POSTFIX/usr/lib/postfix/sbin/master" ] || { skip 'postfix is not there'; return 1; }
	unshare -mn true 2>/dev/null || { skip 'no namespaces can be had'; return 1; }
}

# Its configuration, its queue and its account.
make_postfix() {
	rm -rf "$CONF" "$MAILLOG"
	mkdir -p "$CONF/queue" "$CONF/data"
	for _directory in active bounce corrupt defer deferred flush hold incoming private public \
	    saved trace maildrop; do
		mkdir "$CONF/queue/$_directory"
		chown 25001 "$CONF/queue/$_directory"
	done
	mkdir "$CONF/queue/pid"
	chown 25001 "$CONF/data"
	{ cat /etc/passwd; echo 'postfix:x:25001:25001::/:/bin/false'; } >"$CONF/passwd"
	{ cat /etc/group; printf 'postfix:x:25001:\npostdrop:x:25002:\n'; } >"$CONF/group"
	cat >"$CONF/main.cf" <<-EOF2
	compatibility_level = 3.6
	queue_directory = $CONF/queue
	data_directory = $CONF/data
	maillog_file = $MAILLOG
	maillog_file_prefixes = $SCRATCH
	myhostname = relay.example
	mydestination =
	mynetworks = 127.0.0.0/8
	inet_interfaces = 127.0.0.1
	inet_protocols = ipv4
	smtpd_peername_lookup = no
	virtual_mailbox_domains = mail.example
	virtual_transport = lmtp:inet:127.0.0.1:2424
	default_transport = discard
	minimal_backoff_time = 1s
	maximal_backoff_time = 2s
	queue_run_delay = 1s
	lmtp_destination_concurrency_failed_cohort_limit = 0
	EOF2
	cat >"$CONF/master.cf" <<-'EOF2'
	2525 inet n - n - - smtpd
	cleanup unix n - n - 0 cleanup
	qmgr unix n - n 300 1 qmgr
	rewrite unix - - n - - trivial-rewrite
	bounce unix - - n - 0 bounce
	defer unix - - n - 0 bounce
	trace unix - - n - 0 bounce
	verify unix - - n - 1 verify
	proxymap unix - - n - - proxymap
	lmtp unix - - n - - lmtp
	error unix - - n - - error
	retry unix - - n - - error
	discard unix - - n - - discard
	anvil unix - - n - 1 anvil
	scache unix - - n - 1 scache
	postlog unix-dgram n - n - 1 postlogd
	EOF2
}

# in_postfix COMMAND: while Postfix and in.smtpd run; nothing of it is seen outside, or stays.
in_postfix() {
	make_postfix
	cat >"$SCRATCH/inside" <<-EOF2
	PATH=\$PATH:/usr/sbin:/sbin
	ip link set lo up
	mount --bind '$CONF/passwd' /etc/passwd
	mount --bind '$CONF/group' /etc/group
	mount -t overlay overlay -o lowerdir='$POSTFIX/usr/lib':/usr/lib /usr/lib
	tcpsvd -E -l localhost 127.0.0.1 2424 '$BIN' $USUAL -o protocol=lmtp -o lock-timeout=0 2>>'$LOG' &
	/usr/lib/postfix/sbin/master -c '$CONF' -d &
	$1
	EOF2
	: >"$LOG"
	timeout 60 unshare -mpn -f --kill-child --mount-proc --propagation private \
	    sh "$SCRATCH/inside" >"$SCRATCH/said" 2>&1 </dev/null
}

# send RECIPIENT...: the command that sends one message to all of them
send() {
	cat <<-EOF2
	python3 -c 'import smtplib, sys, time
	for _ in range(100):
	    try:
	        server = smtplib.SMTP("127.0.0.1", 2525)
	        break
	    except OSError:
	        time.sleep(0.1)
	server.sendmail("sender@client.example", sys.argv[1:], "Subject: handed over\\n\\ntext\\n")
	server.quit()' $*
	EOF2
}

# logged PATTERN: the command that waits for such a line in Postfix's log
logged() {
	echo "for _ in \$(seq 100); do grep -Eq '$1' '$MAILLOG' && break; sleep 0.1; done"
}

status_of() {
	grep -Eq "to=<$1@mail.example>, .* status=$2 .*$3" "$MAILLOG" || {
		cat "$SCRATCH/said" "$MAILLOG"
		fail "$1 is not $2"
	}
}

test_what_fails_for_one_recipient_is_deferred_for_him_alone() {
	there || return 0
	: >"$MAIL/max.lock"
	in_postfix "$(send joe@mail.example max@mail.example nobody.here@mail.example \
	    jane@mail.example; logged 'to=<max.*status=deferred'; logged 'to=<jane.*status=sent')
	    cp '$MAIL/max' '$SCRATCH/max-while-locked' 2>/dev/null
	    rm '$MAIL/max.lock'
	    $(logged 'to=<max.*status=sent')"
	status_of joe sent '250 2.6.0 Delivered as'
	status_of jane sent '250 2.6.0 Delivered as'
	status_of max deferred '450 4.2.0 Mailbox is busy'
	status_of max sent '250 2.6.0 Delivered as'
	status_of nobody.here bounced '550 5.1.1 No such user here'
	assertFalse 'max had it under a lock' "[ -s '$SCRATCH/max-while-locked' ]"
	for _user in joe jane max; do
		assertEquals "$_user" 1 "$(mailbox_messages "$_user")"
		grep -q '(in.smtpd) with LMTP id' "$MAIL/$_user" || fail "with LMTP, for $_user"
	done
}

test_a_hundred_recipients_get_a_reply_each() {
	there || return 0
	_i=1
	while [ $_i -le 100 ]; do
		user "lm$_i" $((23000 + _i)) "User $_i" >>"$PASSWD"
		set -- "$@" "lm$_i@mail.example"
		_i=$((_i + 1))
	done
	in_postfix "$(send "$@"; logged 'to=<lm100@.*status=sent')
	    for _ in \$(seq 100); do [ \$(grep -c status=sent '$MAILLOG') -ge 100 ] && break; sleep 0.1; done"
	assertEquals 'sent' 100 "$(grep -c 'to=<lm.* status=sent (250 2.6.0' "$MAILLOG")"
	assertEquals 'mailboxes' 100 "$(find "$MAIL" -name 'lm*' -type f -size +0 | wc -l)"
}

# shellcheck disable=SC1091
. shunit2

#!/bin/sh
# SPDX-License-Identifier: ISC
# LMTP (RFC 2033): what becomes of one recipient's copy is nothing to the others.
# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"

# hand_over ARGUMENT... <<EOF: a session that gives joe, max and jane a message; what follows is EOF
hand_over() {
	{
		cat <<-'EOF'
		S: 220 *
		C: LHLO client.example
		S+ 250?*
		C: MAIL FROM:<ann@client.example>
		S: 250 *
		C: RCPT TO:<joe@mail.example>
		S: 250 *
		C: RCPT TO:<max@mail.example>
		S: 250 *
		C: RCPT TO:<jane@mail.example>
		S: 250 *
		EOF
		cat
	} >"$SCRATCH/dialogue"
	talk -o protocol=lmtp "$@" <"$SCRATCH/dialogue"
}

test_a_busy_mailbox_is_450_for_its_user_and_the_others_get_theirs() {
	: >"$MAIL/max.lock"
	hand_over -o lock-timeout=0 <<-'EOF'
	C: DATA
	S: 354 *
	C: Subject: x
	C: .
	S: 250 2.6.0 *
	S: 450 4.2.0 *
	S: 250 2.6.0 *
	C: QUIT
	S: 221 *
	END
	MBOX joe 1
	MBOX max 0
	MBOX jane 1
	EOF
	rm "$MAIL/max.lock"
}

test_the_same_holds_for_chunks() {
	: >"$MAIL/joe.lock"
	hand_over -o lock-timeout=0 <<-'EOF'
	C- BDAT 10\r\nSubject: x
	S: 250 2.0.0 *
	C: BDAT 0 LAST
	S: 450 4.2.0 *
	S: 250 2.6.0 *
	S: 250 2.6.0 *
	C: QUIT
	S: 221 *
	END
	MBOX joe 0
	MBOX max 1
	MBOX jane 1
	EOF
	rm "$MAIL/joe.lock"
}

test_a_mailbox_that_broke_after_rcpt_is_451_for_its_user_alone() {
	hand_over <<-'EOF'
	RUN ln -s /nowhere "$MAIL/joe"
	C: DATA
	S: 354 *
	C: Subject: x
	C: .
	S: 451 4.2.0 *
	S: 250 2.6.0 *
	S: 250 2.6.0 *
	C: MAIL FROM:<ann@client.example>
	S: 250 *
	C: RCPT TO:<joe@mail.example>
	S: 451 4.2.0 *
	C: DATA
	S: 503 5.5.1 Need RCPT first
	C: QUIT
	S: 221 *
	END
	MBOX max 1
	MBOX jane 1
	EOF
}

test_a_full_mailbox_is_552_for_its_user_alone() {
	printf 'From x Mon Nov 23 02:00:00 2026\n\n%0200d\n\n' 0 >"$MAIL/max"
	[ -z "$ROOT" ] || chown 20009:8 "$MAIL/max"
	hand_over -o mailbox-size-limit=500 <<-'EOF'
	C: DATA
	S: 354 *
	C: Subject: \{100:x}
	C: .
	S: 250 2.6.0 *
	S: 552 5.2.2 *
	S: 250 2.6.0 *
	C: QUIT
	S: 221 *
	END
	MBOX joe 1
	MBOX max 1
	MBOX jane 1
	EOF
}

# More than is kept in memory: what the first was given is there for the others.
test_a_large_message_is_whole_in_each_mailbox() {
	hand_over <<-'EOF'
	# ways: one-write
	C: DATA
	S: 354 *
	C: \{1500000:x}
	C: \{1500000:y}
	C: .
	S: 250 2.6.0 *
	S: 250 2.6.0 *
	S: 250 2.6.0 *
	C: QUIT
	S: 221 *
	END
	EOF
	for _user in joe max jane; do
		assertEquals "lines for $_user" '1500000 1500000' \
		    "$(awk '/^[xy]/ { print length($0) }' "$MAIL/$_user" | tr '\n' ' ' | sed 's/ $//')"
	done
}

# The second mailbox is free only when the first reply is there.
test_a_reply_is_sent_before_the_next_mailbox_is_waited_for() {
	: >"$MAIL/max.lock"
	hand_over -o lock-timeout=10 <<-'EOF'
	C: DATA
	S: 354 *
	C: Subject: x
	C: .
	S: 250 2.6.0 *
	RUN rm "$MAIL/max.lock"
	S: 250 2.6.0 *
	S: 250 2.6.0 *
	C: QUIT
	S: 221 *
	END
	MBOX max 1
	EOF
}

test_a_user_who_is_named_twice_has_two_replies_whatever_they_are() {
	: >"$MAIL/joe.lock"
	hand_over -o lock-timeout=0 <<-'EOF'
	C: RCPT TO:<joe+again@mail.example>
	S: 250 *
	C: RCPT TO:<JANE@mail.example>
	S: 250 *
	C: DATA
	S: 354 *
	C: Subject: x
	C: .
	S: 450 4.2.0 *
	S: 250 2.6.0 *
	S: 250 2.6.0 *
	S: 450 4.2.0 *
	S: 250 2.6.0 *
	C: QUIT
	S: 221 *
	END
	MBOX joe 0
	MBOX jane 1
	EOF
	rm "$MAIL/joe.lock"
}

# It is tried anew for the second: what kept the first from it may be gone.  (max is waited for in
# between.)
test_a_user_whose_first_copy_failed_gets_his_second() {
	: >"$MAIL/joe.lock"
	: >"$MAIL/max.lock"
	hand_over -o lock-timeout=2 <<-'EOF'
	C: RCPT TO:<joe+again@mail.example>
	S: 250 *
	C: DATA
	S: 354 *
	C: Subject: x
	C: .
	S: 450 4.2.0 *
	RUN rm "$MAIL/joe.lock" "$MAIL/max.lock"
	S: 250 2.6.0 *
	S: 250 2.6.0 *
	S: 250 2.6.0 *
	C: QUIT
	S: 221 *
	END
	MBOX joe 1
	HEADER joe Delivered-To: joe+again@*
	EOF
}

test_the_log_has_each_refusal_and_each_delivery() {
	: >"$MAIL/max.lock"
	hand_over -o lock-timeout=0 <<-'EOF'
	C: DATA
	S: 354 *
	C: .
	S: 250 *
	S: 450 *
	S: 250 *
	C: QUIT
	S: 221 *
	END
	LOG *delivered message=*to=<joe> *
	LOG *delivered message=*to=<jane> *
	LOG *refused *command="DATA" reply="450 4.2.0 *
	!LOG *to=<max>*
	LOG *disconnect *messages=2 *
	EOF
	rm "$MAIL/max.lock"
}

# RFC 2033 5: nobody is told that he has it before it is on disk; a client that goes gets no reply.
test_a_client_that_goes_before_the_end_delivers_nothing() {
	hand_over <<-'EOF'
	C: DATA
	S: 354 *
	C: Subject: x
	CLOSE
	MBOX joe 0
	MBOX max 0
	MBOX jane 0
	EOF
}

# shellcheck disable=SC1091
. shunit2

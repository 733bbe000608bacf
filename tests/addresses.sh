#!/bin/sh
# SPDX-License-Identifier: ISC
# Addresses: how long they may be, which literals are this host, and what a refusal says.
# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"

# expect_mail PATTERN PATH: what MAIL FROM:PATH gets.
expect_mail() {
	talk <<-EOF || fail "MAIL FROM:$2"
	S: 220 *
	C: HELO client.example
	S: 250 *
	C: MAIL FROM:$2
	S: $1
	C: QUIT
	S: 221 *
	END
	EOF
}

# expect_rcpt PATTERN PATH [ARGUMENT...]: what RCPT TO:PATH gets; the transaction stands.
expect_rcpt() {
	_pattern=$1 _path=$2
	shift 2
	talk "$@" <<-EOF || fail "RCPT TO:$_path"
	S: 220 *
	C: HELO client.example
	S: 250 *
	C: MAIL FROM:<ann@client.example>
	S: 250 *
	C: RCPT TO:$_path
	S: $_pattern
	C: RCPT TO:<ann@mail.example>
	S: 250 2.1.5 *
	C: QUIT
	S: 221 *
	END
	EOF
}

# RFC 5321 4.5.3.1.1
test_a_local_part_of_64_octets_is_taken_and_one_more_is_not() {
	expect_mail '250 2.1.0 *' '<\{64:a}@client.example>'
	expect_mail '501 5.1.7 *64*' '<\{65:a}@client.example>'
	expect_rcpt '550 5.1.1 *' '<\{64:a}@mail.example>'
	expect_rcpt '501 5.1.3 *64*' '<\{65:a}@mail.example>'
	expect_mail '250 2.1.0 *' '<"\{62:a}"@client.example>'
	expect_mail '501 5.1.7 *64*' '<"\{65:a}"@client.example>'
}

# RFC 5321 4.5.3.1.3; < and > are counted.  64 + @ + 63.63.61 + <> is 256.
test_a_path_of_256_octets_is_taken_and_one_more_is_not() {
	expect_mail '250 2.1.0 *' '<\{64:a}@\{63:b}.\{63:c}.\{61:d}>'
	expect_mail '501 5.1.7 *256*' '<\{64:a}@\{63:b}.\{63:c}.\{62:d}>'
	expect_rcpt '550 5.7.1 *' '<\{64:a}@\{63:b}.\{63:c}.\{61:d}>'
	expect_rcpt '501 5.1.3 *256*' '<\{64:a}@\{63:b}.\{63:c}.\{62:d}>'
}

# RFC 5321 4.5.3.1.2, RFC 1035 2.3.4.  Only HELO has room for it.
test_a_domain_of_255_octets_is_taken_and_one_more_is_not() {
	talk <<-'EOF'
	S: 220 *
	C: HELO \{63:a}.\{63:b}.\{63:c}.\{62:d}.e
	S: 501 5.5.4 *
	C: HELO \{63:a}.\{63:b}.\{63:c}.\{63:d}
	S: 250 *
	C: QUIT
	S: 221 *
	END
	EOF
	expect_mail '501 5.1.7 *' '<a@\{63:a}.\{63:b}.\{63:c}.\{62:d}.e>'
}

test_a_label_of_63_octets_is_taken_and_one_more_is_not() {
	expect_mail '250 2.1.0 *' '<ann@\{63:a}.example>'
	expect_mail '501 5.1.7 *' '<ann@\{64:a}.example>'
}

test_an_address_literal_of_this_connection_is_this_host() {
	talk <<-'EOF'
	# socket: tcp6
	S: 220 *
	C: HELO client.example
	S: 250 *
	C: MAIL FROM:<ann@client.example>
	S: 250 *
	C: RCPT TO:<joe@[IPv6:::1]>
	S: 250 2.1.5 *
	C: RCPT TO:<joe@[ipv6:0:0:0:0:0:0:0:1]>
	S: 250 2.1.5 *
	C: RCPT TO:<joe@[IPv6:::2]>
	S: 550 5.7.1 *
	C: RCPT TO:<joe@[127.0.0.1]>
	S: 550 5.7.1 *
	C: QUIT
	S: 221 *
	END
	EOF
	expect_rcpt '250 2.1.5 *' '<joe@[127.0.0.1]>'
	expect_rcpt '250 2.1.5 *' '<PostMaster@[127.0.0.1]>'
}

test_without_a_network_address_no_literal_is_this_host() {
	talk <<-'EOF'
	# socket: pair
	S: 220 *
	C: HELO client.example
	S: 250 *
	C: MAIL FROM:<ann@client.example>
	S: 250 *
	C: RCPT TO:<joe@[127.0.0.1]>
	S: 550 5.7.1 *
	C: RCPT TO:<joe@[0.0.0.0]>
	S: 550 5.7.1 *
	C: RCPT TO:<joe@[IPv6:::]>
	S: 550 5.7.1 *
	C: RCPT TO:<joe@mail.example>
	S: 250 2.1.5 *
	C: QUIT
	S: 221 *
	END
	EOF
}

test_the_local_part_is_looked_up_exactly_first_and_then_in_lower_case() {
	talk <<-'EOF'
	S: 220 *
	C: HELO client.example
	S: 250 *
	C: MAIL FROM:<ann@client.example>
	S: 250 *
	C: RCPT TO:<Max@mail.example>
	S: 250 2.1.5 *
	C: RCPT TO:<Bob@mail.example>
	S: 250 2.1.5 *
	C: DATA
	S: 354 *
	C: .
	S: 250 *
	MBOX Max 1
	MBOX max 0
	MBOX Bob 1
	EOF
	fresh_mail
	talk <<-'EOF'
	S: 220 *
	C: HELO client.example
	S: 250 *
	C: MAIL FROM:<ann@client.example>
	S: 250 *
	C: RCPT TO:<MAX@mail.example>
	S: 250 2.1.5 *
	C: RCPT TO:<Max+list@mail.example>
	S: 250 2.1.5 *
	C: RCPT TO:<bob@mail.example>
	S: 550 5.1.1 *
	C: DATA
	S: 354 *
	C: .
	S: 250 *
	MBOX Max 1
	MBOX max 1
	MBOX Bob 0
	EOF
}

# joe-list is a user of his own, whatever the delimiter.
test_a_whole_name_goes_before_a_detail() {
	talk -o recipient-delimiter=- <<-'EOF'
	S: 220 *
	C: HELO client.example
	S: 250 *
	C: MAIL FROM:<ann@client.example>
	S: 250 *
	C: RCPT TO:<joe-list@mail.example>
	S: 250 2.1.5 *
	C: DATA
	S: 354 *
	C: .
	S: 250 *
	MBOX joe-list 1
	MBOX joe 0
	EOF
}

test_no_delimiter_means_no_detail() {
	expect_rcpt '550 5.1.1 *' '<joe+list@mail.example>' -o recipient-delimiter=none
}

test_mail_for_the_postmaster_reaches_root_where_nobody_is_called_so() {
	talk <<-'EOF'
	S: 220 *
	C: HELO client.example
	S: 250 *
	C: MAIL FROM:<ann@client.example>
	S: 250 *
	C: RCPT TO:<postmaster>
	S: 250 2.1.5 *
	C: DATA
	S: 354 *
	C: .
	S: 250 *
	MBOX root 1
	EOF
}

test_a_user_called_postmaster_gets_his_mail() {
	{
		cat "$PASSWD"
		user postmaster 20050 'The Postmaster'
	} >"$SCRATCH/with-postmaster"
	talk -o passwd="$SCRATCH/with-postmaster" <<-'EOF'
	S: 220 *
	C: HELO client.example
	S: 250 *
	C: MAIL FROM:<ann@client.example>
	S: 250 *
	C: RCPT TO:<Postmaster>
	S: 250 2.1.5 *
	C: DATA
	S: 354 *
	C: .
	S: 250 *
	MBOX postmaster 1
	MBOX root 0
	EOF
}

test_accounts_below_min_uid_are_no_users_but_for_root() {
	need_root || return 0
	expect_rcpt '550 5.1.1 *' '<joe@mail.example>' -o min-uid=20002
	expect_rcpt '250 2.1.5 *' '<jane@mail.example>' -o min-uid=20002
	expect_rcpt '250 2.1.5 *' '<root@mail.example>' -o min-uid=20002
	expect_rcpt '250 2.1.5 *' '<postmaster>' -o min-uid=20002
}

test_a_domain_that_is_not_listed_is_foreign() {
	talk -o domains=one.example -o hostname=mail.example <<-'EOF'
	S: 220 mail.example *
	C: HELO client.example
	S: 250 *
	C: MAIL FROM:<ann@client.example>
	S: 250 *
	C: RCPT TO:<joe@one.example>
	S: 250 2.1.5 *
	C: RCPT TO:<joe@mail.example>
	S: 550 5.7.1 *
	C: RCPT TO:<joe@localhost>
	S: 550 5.7.1 *
	C: QUIT
	S: 221 *
	END
	EOF
}

test_a_refusal_says_what_is_wrong() {
	expect_rcpt '501 5.1.3 *> *missing*' '<joe@mail.example'
	expect_rcpt '501 5.1.3 *domain*' '<joe@>'
	expect_rcpt '501 5.1.3 *domain*' '<joe>'
	expect_rcpt '501 5.1.3 *domain*' '<joe@mail..example>'
	expect_rcpt '501 5.1.3 *local part*' '<.joe@mail.example>'
	expect_rcpt '501 5.1.3 *quote*' '<"joe@mail.example>'
	expect_rcpt '501 5.1.3 *literal*' '<joe@[1.2.3]>'
	expect_rcpt '501 5.1.3 *route*' '<@a.example,joe@mail.example>'
}

test_octets_above_ascii_have_no_place_in_an_address() {
	expect_rcpt '501 5.1.3 *' '<j\xf6e@mail.example>'
	expect_rcpt '553 5.6.7 *' '<joe@m\xc3\xa4il.example>'
	expect_rcpt '501 5.1.3 *' '<joe@m\xe4il.example>'
	expect_rcpt '501 5.1.3 *' '<"j\xf6e"@mail.example>'
	expect_mail '501 5.1.7 *' '<\xe4nn@client.example>'
}

# A name in the passwd file ends at its colon, and so does what a client may ask for.
test_a_local_part_with_a_colon_or_slash_finds_nobody() {
	expect_rcpt '550 5.1.1 *' '<"joe:x"@mail.example>'
	expect_rcpt '550 5.1.1 *' '<"joe:x:20001"@mail.example>'
	expect_rcpt '550 5.1.1 *' '<"joe/x"@mail.example>'
	expect_rcpt '550 5.1.1 *' '<"../mail/joe"@mail.example>'
	expect_rcpt '550 5.1.1 *' '<"x:20001:8"@mail.example>'
}

# shellcheck disable=SC1091
. shunit2

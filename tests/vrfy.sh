#!/bin/sh
# SPDX-License-Identifier: ISC
# VRFY: users are found by name, mailbox, full name and surname, and shown printable.
# shellcheck disable=SC2119,SC2120  # in_smtpd without arguments is meant so
# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"

# expect_vrfy QUERY PATTERN [ARGUMENT...]
expect_vrfy() {
	_query=$1 _pattern=$2
	shift 2
	talk "$@" <<-EOF || fail "VRFY $_query"
	S: 220 *
	C: VRFY $_query
	S: $_pattern
	C: QUIT
	S: 221 *
	END
	EOF
}

test_a_user_name_gives_the_full_name_and_the_mailbox() {
	expect_vrfy joe '250 2.1.5 Joe Q. Public <joe@mail.example>'
	expect_vrfy jane '250 2.1.5 Jane Smith <jane@mail.example>'
	expect_vrfy first.last '250 2.1.5 First von Last <first.last@mail.example>'
	expect_vrfy joe-list '250 2.1.5 Joe List <joe-list@mail.example>'
}

test_a_user_name_in_another_case_is_found() {
	expect_vrfy JOE '250 2.1.5 Joe Q. Public <joe@mail.example>'
	expect_vrfy Bob '250 2.1.5 Robert Tables <Bob@mail.example>'
	expect_vrfy Max '250 2.1.5 Max Upper <Max@mail.example>'
	expect_vrfy max '250 2.1.5 Max Lower <max@mail.example>'
}

test_a_mailbox_is_taken_with_and_without_brackets() {
	expect_vrfy joe@mail.example '250 2.1.5 Joe Q. Public <joe@mail.example>'
	expect_vrfy '<joe@mail.example>' '250 2.1.5 Joe Q. Public <joe@mail.example>'
	expect_vrfy 'joe@MAIL.Example' '250 2.1.5 Joe Q. Public <joe@mail.example>'
	expect_vrfy '"joe"@mail.example' '250 2.1.5 Joe Q. Public <joe@mail.example>'
	expect_vrfy joe+list@mail.example '250 2.1.5 Joe Q. Public <joe*@mail.example>'
}

test_a_full_name_finds_its_user() {
	expect_vrfy 'Joe Q. Public' '250 2.1.5 Joe Q. Public <joe@mail.example>'
	expect_vrfy '"Joe Q. Public"' '250 2.1.5 Joe Q. Public <joe@mail.example>'
	expect_vrfy 'joe q. public' '250 2.1.5 Joe Q. Public <joe@mail.example>'
	expect_vrfy 'John Smith' '250 2.1.5 John Smith <jsmith@mail.example>'
}

test_a_surname_finds_its_user() {
	expect_vrfy Public '250 2.1.5 Joe Q. Public <joe@mail.example>'
	expect_vrfy tables '250 2.1.5 Robert Tables <Bob@mail.example>'
}

test_part_of_a_word_finds_nobody() {
	expect_vrfy Publi '550 5.1.1 *'
	expect_vrfy ublic '550 5.1.1 *'
	expect_vrfy 'Joe Q' '550 5.1.1 *'
	expect_vrfy 'Room 1' '550 5.1.1 *'
}

test_an_ampersand_stands_for_the_user_name_capitalized() {
	expect_vrfy ann '250 2.1.5 Ann Meyer <ann@mail.example>'
	expect_vrfy 'Ann Meyer' '250 2.1.5 Ann Meyer <ann@mail.example>'
	expect_vrfy Meyer '250 2.1.5 Ann Meyer <ann@mail.example>'
}

# expect_candidates QUERY FIRST LAST: both of them, a line each (RFC 5321 3.5.1).
expect_candidates() {
	talk <<-EOF || fail "VRFY $1"
	S: 220 *
	C: VRFY $1
	S: 553-5.1.4 Ambiguous*
	S: 553-5.1.4 *<$2@mail.example>
	S: 553 5.1.4 *<$3@mail.example>
	C: QUIT
	S: 221 *
	END
	EOF
}

test_several_users_of_one_name_are_listed() {
	expect_candidates Smith jsmith jane
	expect_candidates Lee lee1 lee2
	expect_candidates 'Pat Lee' lee1 lee2
}

test_a_hundred_users_of_one_name_are_not_all_listed() {
	_i=0
	grep '^nobody:' "$PASSWD" >"$SCRATCH/smiths"
	while [ $_i -lt 100 ]; do
		echo "smith$_i:x:$((21000 + _i)):8:Adam Smith:/nowhere:/bin/sh"
		_i=$((_i + 1))
	done >>"$SCRATCH/smiths"
	printf 'VRFY Smith\r\nQUIT\r\n' | in_smtpd -o passwd="$SCRATCH/smiths" 2>"$LOG" |
	    grep '^553' >"$SCRATCH/said"
	assertTrue 'some' "grep -q '^553-5.1.4 .*<smith0@mail.example>' '$SCRATCH/said'"
	assertTrue 'one end' "[ $(grep -c '^553 5.1.4 ' "$SCRATCH/said") -eq 1 ]"
	assertTrue 'not all' "[ $(wc -l <"$SCRATCH/said") -le 20 ]"
	expect_vrfy smith42 '250 2.1.5 Adam Smith <smith42@mail.example>' \
	    -o passwd="$SCRATCH/smiths"
}

test_nobody_of_that_name_gets_550() {
	expect_vrfy nobody.here '550 5.1.1 *'
	expect_vrfy nobody.here@mail.example '550 5.1.1 *'
	expect_vrfy '"Nobody At All"' '550 5.1.1 *'
	expect_vrfy '&' '550 5.1.1 *'
	expect_vrfy ',' '550 5.1.1 *'
}

test_a_foreign_domain_gets_550() {
	expect_vrfy joe@elsewhere.example '550 5.7.1 *'
	expect_vrfy '<joe@elsewhere.example>' '550 5.7.1 *'
}

test_a_malformed_mailbox_is_refused() {
	expect_vrfy '<joe@mail.example' '5[05][01] 5.*'
	expect_vrfy 'joe@' '5[05][01] 5.*'
	expect_vrfy '<joe@mail@example>' '5[05][01] 5.*'
}

test_the_postmaster_is_found_whoever_reads_his_mail() {
	expect_vrfy postmaster '250 2.1.5 *@mail.example>'
	expect_vrfy Postmaster@mail.example '250 2.1.5 *@mail.example>'
}

test_an_account_below_min_uid_is_not_shown() {
	need_root || return 0
	expect_vrfy joe '550 5.1.1 *' -o min-uid=20002
	expect_vrfy Public '550 5.1.1 *' -o min-uid=20002
	expect_vrfy ann '250 2.1.5 *' -o min-uid=20002
	expect_vrfy root '250 2.1.5 *' -o min-uid=20002
}

test_a_user_without_a_full_name_has_a_mailbox_still() {
	expect_vrfy plain '250 2.1.5 *<plain@mail.example>'
	expect_vrfy plain@mail.example '250 2.1.5 *<plain@mail.example>'
}

test_octets_that_do_not_print_are_not_shown() {
	printf 'VRFY odd\r\nQUIT\r\n' | in_smtpd 2>"$LOG" | tr -d '\r' | grep '^250' \
	    >"$SCRATCH/said"
	assertEquals 'replies' 1 "$(wc -l <"$SCRATCH/said")"
	assertFalse 'not printable' "LC_ALL=C grep -q '[^ -~]' '$SCRATCH/said'"
	assertTrue "the name: $(cat "$SCRATCH/said")" \
	    "grep -q '^250 2.1.5 J.*rgen .*Odd.*<odd@mail.example>\$' '$SCRATCH/said'"
}

# RFC 5321 3.5.3: 252 where the answer is not to be had; never 250 then, and never 502.
test_vrfy_no_answers_252_to_everything() {
	expect_vrfy joe '252 2.1.5 *' -o vrfy=no
	expect_vrfy nobody.here '252 2.1.5 *' -o vrfy=no
	expect_vrfy joe@elsewhere.example '252 2.1.5 *' -o vrfy=no
}

# RFC 5321 4.2.5: what may be well tomorrow is 4yz today.
expect_451_without_users() {
	talk -o passwd="$1" <<-'EOF'
	S: 220 *
	C: VRFY joe
	S: 451 4.3.0 *
	C: VRFY Public
	S: 451 4.3.0 *
	C: HELO client.example
	S: 250 *
	C: MAIL FROM:<ann@client.example>
	S: 250 *
	C: RCPT TO:<joe@mail.example>
	S: 451 4.3.0 *
	C: RCPT TO:<joe@elsewhere.example>
	S: 550 5.7.1 *
	C: DATA
	S: 503 5.5.1 *
	C: QUIT
	S: 221 *
	END
	EOF
}

test_a_missing_passwd_file_is_451_and_not_550() {
	expect_451_without_users "$SCRATCH/no-such-file"
}

test_an_unreadable_passwd_file_is_451_and_not_550() {
	mkdir -p "$SCRATCH/a-directory"
	expect_451_without_users "$SCRATCH/a-directory"
	[ -z "$ROOT" ] || return 0
	cp "$PASSWD" "$SCRATCH/locked"
	chmod 0 "$SCRATCH/locked"
	expect_451_without_users "$SCRATCH/locked"
}

test_lines_that_are_no_users_are_passed_over() {
	{
		printf '\n#comment\n+::::::\n-joe\n+@group::::::\nshort:x\n:x:1:8:Nameless:/:/bin/sh\n'
		printf 'nouid:x::8:No Uid:/:/bin/sh\nbig:x:99999999999:8:Too Big:/:/bin/sh\n'
		printf 'neg:x:-1:8:Negative:/:/bin/sh\nhex:x:0x10:8:Hex:/:/bin/sh\n'
		user nobody 65534 nobody
		user joe 20001 'Joe Q. Public'
		printf 'last:x:%s:8:Without Newline:/:/bin/sh' "$(id -u)"
	} >"$SCRATCH/holes"
	for _no in + -joe short big neg hex nouid '#comment' Nameless; do
		expect_vrfy "$_no" '550 5.1.1 *' -o passwd="$SCRATCH/holes"
	done
	expect_vrfy joe '250 2.1.5 Joe Q. Public <joe@mail.example>' -o passwd="$SCRATCH/holes"
	expect_vrfy last '250 2.1.5 Without Newline <last@mail.example>' \
	    -o passwd="$SCRATCH/holes"
}

# shellcheck disable=SC1091
. shunit2

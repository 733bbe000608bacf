#!/bin/sh
# SPDX-License-Identifier: ISC
# UTF-8 in addresses (RFC 6531): it stands in the header as it came, and nothing else of 8 bits does.
# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"

# header USER LINE: the mailbox has this line
header() {
	grep -qxF -- "$2" "$MAIL/$1" || { head -n 8 "$MAIL/$1"; fail "there is no line $2"; }
}

test_return_path_and_delivered_to_keep_it_and_the_from_line_has_ascii_alone() {
	talk <<-'EOF'
	S: 220 *
	C: EHLO client.example
	S+ 250?SMTPUTF8
	C: MAIL FROM:<"jürg müller"@bücher.example> SMTPUTF8
	S: 250 *
	C: RCPT TO:<jürg+größe@mail.example>
	S: 250 *
	C: DATA
	S: 354 *
	C: Subject: ü
	C: .
	S: 250 *
	C: QUIT
	S: 221 *
	END
	MBOX jürg 1
	FROM_ jürg "j??rg-m??ller"@b??cher.example *
	EOF
	_box=$(printf 'j\303\274rg')
	header "$_box" 'Return-Path: <"jürg müller"@bücher.example>'
	header "$_box" 'Delivered-To: jürg+größe@mail.example'
	grep -q '^	for <jürg+größe@mail.example>;' "$MAIL/$_box" || fail 'for'
	header "$_box" 'Subject: ü'
}

# A reply is not cut inside a character, whatever has to go.
test_a_reply_that_is_too_long_ends_in_a_whole_character() {
	for n in 0 1 2; do
		{
			cat "$PASSWD"
			user long 20050 "$(printf "%${n}s" '' | tr ' ' x)$(printf '\342\202\254%.0s' $(seq 50))"
		} >"$SCRATCH/long"
		printf 'VRFY long SMTPUTF8\r\nQUIT\r\n' | in_smtpd -o passwd="$SCRATCH/long" 2>"$LOG" |
		    sed -n 2p | iconv -f UTF-8 -t UTF-8 >/dev/null || fail "with $n before it"
	done
}

test_octets_that_are_no_utf_8_are_not_shown_in_a_reply_that_may_have_it() {
	{
		cat "$PASSWD"
		user latin 20051 "$(printf 'J\374rg \302\233M\355\240\200 \342\202\254')"
	} >"$SCRATCH/latin"
	talk -o passwd="$SCRATCH/latin" <<-'EOF'
	S: 220 *
	C: VRFY latin SMTPUTF8
	S: 250 2.1.5 J[?]rg [?][?]M[?][?][?] € <latin@mail.example>
	C: VRFY latin
	S: 250 2.1.5 J[?]rg [?][?]M[?][?][?] [?][?][?] <latin@mail.example>
	C: QUIT
	S: 221 *
	END
	EOF
}

# RFC 6531 3.1: ten octets more for MAIL and VRFY.
test_a_command_with_smtputf8_is_longer_by_ten_octets() {
	talk <<-'EOF'
	S: 220 *
	C: EHLO client.example
	S+ 250?*
	C: MAIL FROM:\{503: }<ann@client.example> SIZE=1 BODY=8BITMIME SMTPUTF8
	S: 250 2.1.0 *
	C: RSET
	S: 250 *
	C: MAIL FROM:\{504: }<ann@client.example> SIZE=1 BODY=8BITMIME SMTPUTF8
	S: 500 5.5.2 Line too long
	C: VRFY \{503: }joe SMTPUTF8
	S: 250 2.1.5 *
	C: VRFY \{504: }joe SMTPUTF8
	S: 500 5.5.2 Line too long
	C: QUIT
	S: 221 *
	END
	EOF
}

# A label has 63 characters at most, not octets; a domain has 255 octets, a local part 64.
test_limits_are_those_of_ascii() {
	talk <<-'EOF'
	S: 220 *
	C: EHLO client.example
	S+ 250?*
	C: MAIL FROM:<ann@\{63:ü}.example> SMTPUTF8
	S: 250 *
	C: RSET
	S: 250 *
	C: MAIL FROM:<ann@\{64:ü}.example> SMTPUTF8
	S: 501 5.1.7 *domain*
	C: MAIL FROM:<\{32:ü}@client.example> SMTPUTF8
	S: 250 *
	C: RSET
	S: 250 *
	C: MAIL FROM:<\{32:ü}a@client.example> SMTPUTF8
	S: 501 5.1.7 *64 octets
	C: MAIL FROM:<"\{31:ü}"@client.example> SMTPUTF8
	S: 250 *
	C: RSET
	S: 250 *
	C: MAIL FROM:<"\{31:ü}a"@client.example> SMTPUTF8
	S: 501 5.1.7 *64 octets
	C: QUIT
	S: 221 *
	END
	EOF
}

test_a_domain_in_utf_8_can_be_served_and_one_that_is_malformed_cannot() {
	assertEquals 'domains bücher.example, localhost' \
	    "$("$BIN" -t -o domains='bücher.example, localhost' 2>/dev/null | grep '^domains ')"
	"$BIN" -t -o domains="$(printf 'b\374cher.example')" >/dev/null 2>&1 && fail 'Latin-1'
	"$BIN" -t -o hostname=bücher.example >/dev/null 2>&1 && fail 'hostname'
	:
}

# A session whose parser lets everything through: the deliverer looks for itself.
test_a_session_that_was_taken_over_adds_no_line_with_utf_8_that_is_none() {
	need cc && need make || return 0
	mkdir -p "$SCRATCH/tree"
	cp "$TESTS"/../*.[ch] "$TESTS/../Makefile" "$SCRATCH/tree"
	sed -i '/^atom_character(/,/^}/s/if (is_atext(text.at.n.))/if (text.at[n] != 64)/' \
	    "$SCRATCH/tree/parse.c"
	! cmp -s "$TESTS/../parse.c" "$SCRATCH/tree/parse.c" || fail 'nothing was changed'
	make -s -C "$SCRATCH/tree" in.smtpd >"$SCRATCH/made" 2>&1 ||
		{ cat "$SCRATCH/made"; fail 'it does not build'; return; }
	_kept=$BIN
	BIN=$SCRATCH/tree/in.smtpd
	talk <<-'EOF' || fail 'the session lets nothing through'
	S: 220 *
	C: EHLO client.example
	S+ 250?*
	C: MAIL FROM:<j\xfcrg\xc2\x85\xed\xa0\x80\xc0\x8aü@client.example> SMTPUTF8
	S: 250 *
	C: RCPT TO:<joe+\x9b\xe2\x82@mail.example>
	S: 250 *
	C: DATA
	S: 354 *
	C: .
	S: 250 *
	C: QUIT
	S: 221 *
	END
	EOF
	BIN=$_kept
	header joe 'Return-Path: <j?rg???????ü@client.example>'
	header joe 'Delivered-To: joe+???@mail.example'
}

# shellcheck disable=SC1091
. shunit2

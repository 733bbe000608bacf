#!/bin/sh
# SPDX-License-Identifier: ISC
# Aliases: whom a name and a list lead to, what RCPT, EXPN and VRFY say of it, and what a bad file
# does.
# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"

LISTS=$SCRATCH/lists
INCLUDED=$SCRATCH/included

# shellcheck disable=SC2317
setUp() {
	fresh_mail
	rm -rf "$LISTS" "$INCLUDED" "$SCRATCH"/more*
}

# lists: the aliases file, from standard input
lists() {
	cat >"$LISTS"
}

# Talk of these aliases.
talk_lists() {
	talk -o aliases="$LISTS" -o error-delay=0 "$@"
}

# What -t says of them goes to $SCRATCH/err.
check_lists() {
	# shellcheck disable=SC2086  # many words
	timeout -s KILL 5 "$BIN" $USUAL -o aliases="$LISTS" -t >/dev/null 2>"$SCRATCH/err"
}

# rcpt [ARGUMENT...]: each line of standard input is an address, and what RCPT says to it
rcpt() {
	{
		printf 'S: 220 *\nC: EHLO client.example\nS+ 250?*\nC: MAIL FROM:<>\nS: 250 *\n'
		while read -r address reply; do
			printf 'C: RCPT TO:<%s>\nS: %s\n' "$address" "$reply"
		done
		printf 'C: QUIT\nS: 221 *\nEND\n'
	} >"$SCRATCH/rcpt"
	talk_lists "$@" <"$SCRATCH/rcpt"
}

# one ADDRESS USER... -- ARGUMENT...: a message for ADDRESS reaches these users and no other
one() {
	_to=$1
	shift
	fresh_mail
	{
		printf 'S: 220 *\nC: EHLO client.example\nS+ 250?*\nC: MAIL FROM:<>\nS: 250 *\n'
		printf 'C: RCPT TO:<%s>\nS: 250 2.1.5 *\nC: DATA\nS: 354 *\nC: .\nS: 250 *\n' "$_to"
		while [ $# -gt 0 ]; do
			[ "$1" != -- ] || { shift; break; }
			printf 'MBOX %s 1\n' "$1"
			echo "$1" >>"$SCRATCH/more-users"
			shift
		done
	} >"$SCRATCH/one"
	sort "$SCRATCH/more-users" >"$SCRATCH/expected"
	rm -f "$SCRATCH/more-users"
	talk_lists "$@" <"$SCRATCH/one" || fail "mail for $_to"
	assertEquals "mail for $_to" "$(cat "$SCRATCH/expected")" "$(ls "$MAIL")"
}

# expn NAME PATTERN...: the lines that EXPN says
expn() {
	printf 'S: 220 *\nC: EXPN %s\n' "$1" >"$SCRATCH/expn"
	_name=$1
	shift
	printf 'S: %s\n' "$@" >>"$SCRATCH/expn"
	printf 'C: QUIT\nS: 221 *\nEND\n' >>"$SCRATCH/expn"
	talk_lists <"$SCRATCH/expn" || fail "EXPN $_name"
}

# ------------------------------------------------------------------ whom a name leads to

test_an_alias_leads_to_its_user() {
	lists <<-'EOF'
	info: joe
	EOF
	one info@mail.example joe
	one info@localhost joe
}

test_a_list_reaches_each_of_its_users_once() {
	lists <<-'EOF'
	staff: joe, ann, joe@mail.example, more, JOE
	more: ann, jane, staff-too
	staff-too: jane
	EOF
	one staff@mail.example ann jane joe
	talk_lists <<-'EOF'
	S: 220 *
	C: EHLO client.example
	S+ 250?*
	C: MAIL FROM:<>
	S: 250 *
	C: RCPT TO:<joe@mail.example>
	S: 250 2.1.5 *
	C: RCPT TO:<staff@mail.example>
	S: 250 2.1.5 *
	C: RCPT TO:<more@mail.example>
	S: 250 2.1.5 *
	C: DATA
	S: 354 *
	C: .
	S: 250 *
	MBOX joe 2
	MBOX ann 2
	MBOX jane 2
	!HEADER joe Received:*for <*
	LOG * nrcpt=3 *
	EOF
}

test_a_message_for_a_list_says_so_and_not_who_is_on_it() {
	lists <<-'EOF'
	staff: joe, ann
	EOF
	one staff@mail.example ann joe
	mailbox_message joe 1 | tr -s '\n\t ' ' ' >"$SCRATCH/message"
	assertTrue 'for' "grep -q ' for <staff@mail.example>;' '$SCRATCH/message'"
	assertFalse 'ann' "grep -q 'ann@' '$SCRATCH/message'"
	assertTrue 'to' "grep -q 'Delivered-To: joe@mail.example ' '$SCRATCH/message'"
}

test_an_alias_wins_over_a_user_of_that_name() {
	lists <<-'EOF'
	joe: ann
	EOF
	one joe@mail.example ann
}

test_a_name_in_its_own_list_is_the_user() {
	lists <<-'EOF'
	joe: joe, ann
	jane: team
	team: Jane, ann
	EOF
	one joe@mail.example ann joe
	one jane@mail.example ann jane
	one JOE+x@mail.example ann joe
}

test_a_backslash_ends_aliasing() {
	lists <<-'EOF'
	joe: ann
	x: \joe
	y: \joe@mail.example, \jane
	z: joe
	nix: \info
	info: joe
	EOF
	one x@mail.example joe
	one y@mail.example jane joe
	one z@mail.example ann
	echo 'nix@mail.example 550 5.2.4 *' | rcpt
}

test_names_are_found_in_any_case_and_in_quotes() {
	lists <<-'EOF'
	InFo:joe
	"two words" : ann
	"a:\"b" : jane
	spaced	 :	jsmith
	EOF
	one iNfO@mail.example joe
	one '"two words"@mail.example' ann
	one '"a:\"b"@mail.example' jane
	one SPACED@mail.example jsmith
	rcpt <<-'EOF'
	inf@mail.example 550 5.1.1 *
	infos@mail.example 550 5.1.1 *
	two@mail.example 550 5.1.1 *
	"a:"@mail.example 550 5.1.1 *
	"info:joe"@mail.example 550 5.1.1 *
	EOF
}

test_a_list_goes_on_in_lines_that_begin_with_a_blank() {
	printf 'a: joe,\n ann,\n\n# jane,\n\t# jsmith,\n\tlee1\nb:\n  lee2\n  max\nc: plain\r\n joe\r\n' |
	    lists
	one a@mail.example ann joe lee1
	one b@mail.example lee2 max
	one c@mail.example joe plain
}

test_a_comment_is_no_alias() {
	lists <<-'EOF'
	#info: joe
	# news: joe
	 indented: joe
	EOF
	rcpt <<-'EOF'
	info@mail.example 550 5.1.1 *
	#info@mail.example 550 5.1.1 *
	news@mail.example 550 5.1.1 *
	"#\x20news"@mail.example 550 5.1.1 *
	indented@mail.example 550 5.1.1 *
	"\x20indented"@mail.example 550 5.1.1 *
	EOF
}

test_the_first_of_two_aliases_of_a_name_counts() {
	lists <<-'EOF'
	info: joe
	info: ann
	EOF
	one info@mail.example joe
}

test_entries_may_be_quoted_and_have_full_names() {
	lists <<-'EOF'
	a: "joe", "first.last"@mail.example, <ann@mail.example>
	b: "Public, Joe Q." <joe@mail.example>, Ann <ann>
	c:,,joe,,
	EOF
	one a@mail.example ann first.last joe
	one b@mail.example ann joe
	one c@mail.example joe
}

test_an_entry_at_a_domain_of_ours_is_looked_up_again() {
	lists <<-'EOF'
	a: b@other.example, ann@[127.0.0.1]
	b: joe@LOCALHOST
	EOF
	one a@mail.example ann joe
	one 'a@[127.0.0.1]' ann joe
}

# Names in an aliases file may be in UTF-8.
test_octets_beyond_ascii_are_plain_text_in_names() {
	printf 'x: j\303\274rgen, "j\303\266rg" <joe@mail.example>\nj\303\274rgen: ann\n' | lists
	one x@mail.example ann joe
}

test_the_whole_name_goes_before_what_stands_in_front_of_the_delimiter() {
	lists <<-'EOF'
	joe+list: ann
	jane: jsmith
	info: lee1
	postmaster: lee2
	EOF
	one joe+list@mail.example ann
	one joe+other@mail.example joe
	one jane+x@mail.example jsmith
	one info+x@mail.example lee1
	one postmaster+x@mail.example lee2
	one joe-list@mail.example joe-list -- -o recipient-delimiter=-
	echo 'info+x@mail.example 550 5.1.1 *' | rcpt -o recipient-delimiter=none
	one joe+other@mail.example joe
	assertTrue "grep -q '^Delivered-To: joe+other@mail.example$' '$MAIL/joe'"
	# A detail says something to the user that it was meant for, and to nobody else.
	one jane+x@mail.example jsmith
	assertTrue "grep -q '^Delivered-To: jsmith@mail.example$' '$MAIL/jsmith'"
}

test_a_star_catches_what_nobody_is_called() {
	lists <<-'EOF'
	*: ann
	info: joe
	typo: nobody-here
	EOF
	one nobody-here@mail.example ann
	one info@mail.example joe
	one jane@mail.example jane
	one jane+x@mail.example jane
	one postmaster@mail.example root
	one typo@mail.example ann
	echo 'x@elsewhere.example 550 5.7.1 *' | rcpt
}

test_none_turns_aliases_off() {
	lists <<-'EOF'
	info: joe
	joe: ann
	EOF
	talk -o aliases=none <<-'EOF'
	S: 220 *
	C: EXPN joe
	S: 250 2.1.5 *<joe@mail.example>
	C: EXPN info
	S: 550 5.1.1 *
	C: QUIT
	S: 221 *
	END
	EOF
}

# ------------------------------------------------------------------------- what RCPT refuses

test_commands_and_files_are_refused_and_the_log_names_them() {
	lists <<-'EOF'
	a: joe, "|/bin/touch /tmp/x"
	b: |"/bin/touch /tmp/y"
	c: /var/tmp/archive
	d: joe, "/var/tmp/two words"
	e: /dev/null
	f: a
	EOF
	rcpt <<-'EOF'
	a@mail.example 550 5.2.4 *
	b@mail.example 550 5.2.4 *
	c@mail.example 550 5.2.4 *
	d@mail.example 550 5.2.4 *
	e@mail.example 550 5.2.4 *
	f@mail.example 550 5.2.4 *
	EOF
	assert_log '<4>.*: alias name=<a> entry="[?]\|/bin/touch /tmp/x[?]" reason="it is a command'
	assert_log 'alias name=<b> entry="\|[?]/bin/touch /tmp/y[?]" reason="it is a command'
	assert_log 'alias name=<c> entry="/var/tmp/archive" reason="it is a file'
	assert_log 'alias name=<d> entry="[?]/var/tmp/two words[?]" reason="it is a file'
	assert_log 'alias name=<f> entry="[?]\|/bin/touch /tmp/x[?]" reason="it is a command'
}

test_one_address_elsewhere_is_551_and_several_are_550() {
	lists <<-'EOF'
	moved: Ann@elsewhere.example
	also: moved
	again: moved, ann@elsewhere.example
	mixed: joe, ann@elsewhere.example
	EOF
	rcpt <<-'EOF'
	moved@mail.example 551 5.1.6 User not local; please try <Ann@elsewhere.example>
	also@mail.example 551 5.1.6 User not local; please try <Ann@elsewhere.example>
	again@mail.example 551 5.1.6 User not local; please try <ann@elsewhere.example>
	mixed@mail.example 550 5.2.4 *
	EOF
	assert_log 'alias name=<mixed> entry="ann@elsewhere.example" reason="it is elsewhere'
}

test_an_entry_that_is_nobody_refuses_the_list() {
	lists <<-'EOF'
	a: joe, nobody-here
	b: joe, not an address
	c: joe, joe@@mail.example
	d:
	e: joe # the old one
	EOF
	rcpt <<-'EOF'
	a@mail.example 550 5.2.4 *
	b@mail.example 550 5.2.4 *
	c@mail.example 550 5.2.4 *
	d@mail.example 550 5.2.4 *
	e@mail.example 550 5.2.4 *
	EOF
	assert_log 'alias name=<a> entry="nobody-here" reason="nobody is called so"'
	assert_log 'alias name=<b> entry="not an address" reason="it is no address"'
	assert_log 'alias name=<d> entry="d" reason="it leads to nobody"'
}

# A refused list leaves nothing of itself in the transaction.
test_a_member_that_cannot_take_mail_refuses_the_whole_list() {
	lists <<-'EOF'
	staff: jane, jsmith, ann, lee1
	EOF
	ln -s /nowhere "$MAIL/ann"
	talk_lists <<-'EOF'
	S: 220 *
	C: EHLO client.example
	S+ 250?*
	C: MAIL FROM:<>
	S: 250 *
	C: RCPT TO:<staff@mail.example>
	S: 451 4.2.0 *
	C: DATA
	S: 503 *
	C: RCPT TO:<joe@mail.example>
	S: 250 *
	C: RCPT TO:<staff@mail.example>
	S: 451 4.2.0 *
	C: DATA
	S: 354 *
	C: .
	S: 250 *
	MBOX joe 1
	MBOX jane 0
	MBOX jsmith 0
	MBOX lee1 0
	HEADER joe Received:*for <joe@mail.example>;*
	EOF
}

# Eleven hundred users more.
crowd() {
	cp "$PASSWD" "$SCRATCH/crowd"
	_uid=20001
	[ -n "$ROOT" ] || _uid=$(id -u)
	seq -f "u%g:x:$_uid:8::/:/bin/sh" 1100 >>"$SCRATCH/crowd"
}

test_a_list_of_more_than_a_thousand_is_452() {
	crowd
	{
		echo "few: $(seq -s, -f 'u%g' 1 600)"
		echo "more: $(seq -s, -f 'u%g' 500 1050)"
		echo "full: $(seq -s, -f 'u%g' 1 1000)"
		echo "many: $(seq -s, -f 'u%g' 1 1001)"
		echo "joes: $(yes joe | head -n 3000 | tr '\n' ,)"
	} | lists
	rcpt -o passwd="$SCRATCH/crowd" <<-'EOF'
	many@mail.example 452 4.5.3 *
	joes@mail.example 452 4.5.3 *
	few@mail.example 250 2.1.5 *
	more@mail.example 452 4.5.3 *
	joe@mail.example 250 2.1.5 *
	full@mail.example 452 4.5.3 *
	EOF
	assert_log 'alias name=<many> entry="u1001" reason="there are too many members"'
	echo 'full@mail.example 250 2.1.5 *' | rcpt -o passwd="$SCRATCH/crowd"
}

test_a_list_counts_as_one_recipient() {
	lists <<-'EOF'
	staff: joe, ann, jane
	EOF
	rcpt -o recipient-limit=2 <<-'EOF'
	staff@mail.example 250 2.1.5 *
	joe@mail.example 250 2.1.5 *
	lee1@mail.example 250 2.1.5 *
	lee2@mail.example 452 4.5.3 *
	ann@mail.example 250 2.1.5 *
	EOF
}

# --------------------------------------------------------------------- root and postmaster

# At every domain of ours, and bare; REASON is why root's own mailbox has it.
expect_root() {
	for _address in postmaster postmaster@mail.example PostMaster@other.example root@localhost \
	    root+x@mail.example; do
		one "$_address" root
		[ -z "$1" ] || assert_log "alias name=<[A-Za-z+]*> .* reason=\"$1; root gets it\""
	done
}

test_root_and_postmaster_always_lead_somewhere() {
	echo '# nothing' | lists
	expect_root ''
	printf 'postmaster: team\nroot: team\nteam: postmaster\n' | lists
	one postmaster@other.example root
	assert_log 'alias name=<postmaster> entry="postmaster" reason="it leads back to itself; root'
	printf 'postmaster: root\nroot: postmaster\n' | lists
	expect_root ''
	printf 'postmaster: postmaster\nroot: moved\nmoved: ann@elsewhere.example\n' | lists
	one root@mail.example root
	assert_log 'alias name=<root> entry="ann@elsewhere.example" reason="it is elsewhere; root gets it"'
	one postmaster@mail.example root
	printf 'root: "|/bin/false"\n' | lists
	expect_root 'it is a command, and none is run'
	printf 'root: /dev/null\n' | lists
	expect_root 'it is a file, and none is written to'
	printf 'root: nobody-here\n' | lists
	expect_root 'nobody is called so'
	printf 'root:\n' | lists
	expect_root 'it leads to nobody'
	printf 'root: joe, ann@elsewhere.example\n' | lists
	expect_root 'it is elsewhere, and not alone'
}

test_postmaster_goes_where_root_goes() {
	printf 'root: joe\n' | lists
	one postmaster joe
	one POSTMASTER@other.example joe
	printf 'root: joe\npostmaster: ann\n' | lists
	one postmaster ann
	printf 'postmaster: root\nroot: joe, \\root\n' | lists
	one postmaster@mail.example joe root
}

# ------------------------------------------------------------------------------------- loops

test_a_list_that_includes_itself_is_refused() {
	lists <<-EOF
	a: a
	b: c
	c: d, joe
	d: b
	e: :include:$INCLUDED
	f: joe, f
	*: nobody-here
	EOF
	echo e >"$INCLUDED"
	rcpt <<-'EOF'
	a@mail.example 550 5.2.4 *
	b@mail.example 550 5.2.4 *
	c@mail.example 550 5.2.4 *
	d@mail.example 550 5.2.4 *
	e@mail.example 550 5.2.4 *
	f@mail.example 550 5.2.4 *
	nobody-else@mail.example 550 5.2.4 *
	EOF
	assert_log 'alias name=<a> entry="a" reason="it leads back to itself"'
	assert_log 'alias name=<b> entry="b" reason="it leads back to itself"'
	assert_log 'alias name=<e> entry="e" reason="it leads back to itself"'
	echo ":include:$INCLUDED" >"$INCLUDED"
	echo 'e@mail.example 550 5.2.4 *' | rcpt
	assert_log 'alias name=<e> entry=":include:.*" reason="it leads back to itself"'
}

# Each list is expanded once, or this would take 2^40 steps.
test_lists_that_name_each_other_twice_are_expanded_once() {
	{
		for i in $(seq 0 40); do
			echo "l$i: l$((i + 1)), l$((i + 1)), ann"
		done
		echo 'l41: joe'
	} | lists
	one l0@mail.example ann joe
}

test_a_chain_of_more_than_a_thousand_lists_is_refused() {
	seq 0 1100 | awk '{ print "l" $1 ": l" $1 + 1 }' | lists
	echo 'l1101: joe' >>"$LISTS"
	rcpt <<-'EOF'
	l0@mail.example 550 5.2.4 *
	l200@mail.example 250 2.1.5 *
	EOF
	assert_log 'alias name=<l0> entry="l1000" reason="it leads over too many lists"'
}

# ------------------------------------------------------------------------------ :include:

test_an_included_file_has_addresses_and_comments() {
	printf '# the staff\n\njoe, "jane"\n  # she left: ann\nJohn <jsmith@mail.example>\r\n\tmore' \
	    >"$INCLUDED"
	lists <<-EOF
	a: :include:$INCLUDED
	b: lee1, ":include:$INCLUDED", lee2
	c: :include: $INCLUDED , lee1
	more: max
	EOF
	one a@mail.example jane joe jsmith max
	one b@mail.example jane joe jsmith lee1 lee2 max
	one c@mail.example jane joe jsmith lee1 max
}

test_an_included_file_may_include_another() {
	lists <<-EOF
	a: :include:$INCLUDED
	b: :include:$SCRATCH/more1, ann
	EOF
	printf ':include:%s\nann\n' "$SCRATCH/more1" >"$INCLUDED"
	printf 'joe\n' >"$SCRATCH/more1"
	one a@mail.example ann joe
	one b@mail.example ann joe
}

# expect_include REPLY REASON: to the list in $INCLUDED, and what the log and -t say of it
expect_include() {
	lists <<-EOF
	list: ann, :include:$INCLUDED
	root: :include:$INCLUDED
	EOF
	printf 'list@mail.example %s\njoe@mail.example 250 *\n' "$1" | rcpt
	assert_log "alias name=<list> entry=\":include:$INCLUDED\" reason=\"$2\""
	check_lists
	assertTrue "-t: $(cat "$SCRATCH/err")" "grep -q ':include:$INCLUDED: $2' '$SCRATCH/err'"
}

test_an_included_file_that_others_can_write_is_not_believed() {
	echo joe >"$INCLUDED"
	chmod 664 "$INCLUDED"
	expect_include '550 5.2.4 *' 'others can write to the file'
	one root@mail.example root
	chmod 646 "$INCLUDED"
	expect_include '550 5.2.4 *' 'others can write to the file'
	chmod 644 "$INCLUDED"
	one list@mail.example ann joe
}

test_an_included_file_of_somebody_else_is_not_believed() {
	need_root || return 0
	echo joe >"$INCLUDED"
	chown 20001 "$INCLUDED"
	expect_include '550 5.2.4 *' 'the file belongs to somebody else'
	chown 20001 "$LISTS"
	one list@mail.example ann joe
	chown 0 "$INCLUDED"
	one list@mail.example ann joe
}

test_an_include_that_is_no_regular_file_is_refused_and_hangs_nobody() {
	mkfifo "$INCLUDED"
	expect_include '550 5.2.4 *' 'it is no regular file'
	rm "$INCLUDED"
	mkdir "$INCLUDED"
	expect_include '550 5.2.4 *' 'it is no regular file'
	rmdir "$INCLUDED"
	ln -s /dev/zero "$INCLUDED"
	expect_include '550 5.2.4 *' 'it is no regular file'
}

# A link could lead to a file of root's that is not for everybody's eyes.
test_an_include_that_is_a_link_is_refused() {
	echo joe >"$SCRATCH/more1"
	ln -s "$SCRATCH/more1" "$INCLUDED"
	expect_include '550 5.2.4 *' 'it is no regular file'
}

test_an_include_that_cannot_be_read_is_451() {
	expect_include '451 4.3.0 *' 'the file cannot be read'
	echo 'root@mail.example 451 4.3.0 *' | rcpt
	printf 'list: :include:relative\n' | lists
	echo 'list@mail.example 550 5.2.4 *' | rcpt
	assert_log 'entry=":include:relative" reason="it names no file"'
}

test_an_include_in_a_comment_is_not_opened() {
	mkfifo "$SCRATCH/more1"
	lists <<-EOF
	# x: :include:$SCRATCH/more1
	a: joe
	  # :include:$SCRATCH/more1
	EOF
	check_lists
	assertEquals '' "$(cat "$SCRATCH/err")"
}

test_more_files_than_the_limit_are_refused() {
	for i in $(seq 1 260); do
		echo joe >"$SCRATCH/more$i"
		echo "l$i: :include:$SCRATCH/more$i"
	done | lists
	rcpt <<-'EOF'
	l1@mail.example 250 *
	l256@mail.example 250 *
	l257@mail.example 550 5.2.4 *
	EOF
	assert_log 'reason="there are too many files to include"'
}

# --------------------------------------------------------------------------------- bad files

expect_451() {
	talk_lists <<-'EOF'
	S: 220 *
	C: VRFY joe
	S: 451 4.3.0 List of aliases *
	C: EXPN joe
	S: 451 4.3.0 List of aliases *
	C: HELO client.example
	S: 250 *
	C: MAIL FROM:<>
	S: 250 *
	C: RCPT TO:<joe@mail.example>
	S: 451 4.3.0 List of aliases *
	C: RCPT TO:<nobody-here@mail.example>
	S: 451 4.3.0 List of aliases *
	C: RCPT TO:<postmaster>
	S: 451 4.3.0 List of aliases *
	C: RCPT TO:<joe@elsewhere.example>
	S: 550 5.7.1 *
	C: QUIT
	S: 221 *
	END
	EOF
	assert_log "<3>.*: cannot read $LISTS: "
	check_lists
	assertTrue "$(cat "$SCRATCH/err")" "grep -q 'aliases $LISTS: .* 451' '$SCRATCH/err'"
}

# An alias goes before a user, so nobody knows who is who.
test_aliases_that_cannot_be_read_are_451_for_everybody() {
	mkdir "$LISTS"
	expect_451
	rmdir "$LISTS"
	mkfifo "$LISTS"
	expect_451
	rm "$LISTS"
	ln -s "$LISTS" "$LISTS"
	expect_451
	rm "$LISTS"
	[ -z "$ROOT" ] || return 0
	: >"$LISTS"
	chmod 0 "$LISTS"
	expect_451
}

test_aliases_that_are_not_there_are_no_fault() {
	one joe@mail.example joe
	assertFalse 'nothing to log' "grep -q '<[0-4]>' '$LOG'"
	: >"$LISTS"
	one joe@mail.example joe
}

test_a_file_that_ends_anywhere_does_no_harm() {
	printf 'a: joe,\n ann\n"b c": jane\nd: "jsmith", |"x, y"\n' >"$SCRATCH/whole"
	for n in $(seq 1 "$(wc -c <"$SCRATCH/whole")"); do
		head -c "$n" "$SCRATCH/whole" >"$LISTS"
		printf 'EXPN a\r\nEXPN "b c"\r\nEXPN d\r\nEXPN "\r\nEXPN joe\r\nQUIT\r\n' |
		    in_smtpd -o aliases="$LISTS" >"$SCRATCH/said" 2>"$LOG"
		assertEquals "after $n octets" 0 $?
		grep -q '^250 2.1.5 Joe Q. Public <joe@mail.example>' "$SCRATCH/said" ||
			fail "after $n octets joe is nobody"
	done
}

test_a_last_line_without_its_end_is_a_line() {
	printf 'a: ann\nb: joe' | lists
	one b@mail.example joe
	printf 'a: ann\nb: joe, "ann' | lists
	echo 'b@mail.example 550 5.2.4 *' | rcpt
	assert_log 'alias name=<b> entry="[?]ann" reason="its quote is not closed"'
	printf 'a: "joe\nb: ann\n' | lists
	rcpt <<-'EOF'
	a@mail.example 550 5.2.4 *
	b@mail.example 250 *
	EOF
}

test_nuls_are_octets_like_others() {
	printf '\0\na: joe\nb\0: joe\nc: joe\0\n\0\0\nd: \0\ne: joe\n' | lists
	one a@mail.example joe
	one e@mail.example joe
	rcpt <<-'EOF'
	b@mail.example 550 5.1.1 *
	c@mail.example 550 5.2.4 *
	d@mail.example 550 5.2.4 *
	EOF
}

test_entries_that_are_too_long_are_refused() {
	{
		printf 'a: joe, %s\n' "$(printf '%065d' 0)"
		printf 'b: joe, x@%s\n' "$(printf '%0300d' 0 | sed 's/0000/000./g')"
		printf 'c: joe, %s\n' "$(printf '%0100000d' 0)"
		printf 'd: joe, :include:/%s\n' "$(printf '%05000d' 0)"
		printf '%0100000d: joe\n' 0
		printf 'e: joe\n'
	} | lists
	rcpt <<-'EOF'
	a@mail.example 550 5.2.4 *
	b@mail.example 550 5.2.4 *
	c@mail.example 550 5.2.4 *
	d@mail.example 550 5.2.4 *
	e@mail.example 250 *
	EOF
	assertFalse 'a line of the log is too long' "grep -q '.\{1025\}' '$LOG'"
}

# fifty_megabytes: a million aliases, and two at their end
fifty_megabytes() {
	seq 1050000 | awk '{ printf "name%07d: person%07d@elsewhere.example.org\n", $1, $1 }'
	printf 'last: joe, ann\nmoved: ann@elsewhere.example\n'
}

test_fifty_megabytes_are_searched_in_well_under_a_second() {
	fifty_megabytes | lists
	assertTrue 'it is large' "[ $(wc -c <"$LISTS") -gt 50000000 ]"
	one last@mail.example ann joe
	cat >"$SCRATCH/look" <<-'EOF'
	sed -n 's/^RssAnon:[[:blank:]]*\([0-9]*\) kB/\1/p' "/proc/$SERVER/status" >"$1"
	cut -d ' ' -f 14,15 "/proc/$SERVER/stat" >>"$1"
	EOF
	talk_lists <<-'EOF'
	S: 220 *
	RUN sh $SCRATCH/look $SCRATCH/before
	C: EXPN last
	S: 250-2.1.5 Joe *
	S: 250 2.1.5 Ann *
	C: EXPN nobody-here
	S: 550 5.1.1 *
	C: EXPN moved
	S: 250 2.1.5 *
	RUN sh $SCRATCH/look $SCRATCH/after
	C: QUIT
	S: 221 *
	END
	EOF
	case $BIN in *asan*) return 0 ;; esac
	{ read -r before && read -r _; } <"$SCRATCH/before"
	{ read -r after && read -r user system; } <"$SCRATCH/after"
	assertTrue "$before KiB became $after" "[ $after -lt $((before + 256)) ]"
	assertTrue "it took $user and $system ticks" "[ $((user + system)) -lt $(getconf CLK_TCK) ]"
}

test_a_file_that_shrinks_under_the_session_ends_it_and_delivers_nothing() {
	seq -f 'name%07.0f: joe' 10000 | lists
	talk_lists <<-EOF
	S: 220 *
	C: HELO client.example
	S: 250 *
	C: MAIL FROM:<>
	S: 250 *
	C: RCPT TO:<joe@mail.example>
	S: 250 *
	RUN : >$LISTS
	C: RCPT TO:<name0009999@mail.example>
	S: 421 4.3.5 *
	END
	EXIT 1
	MBOX joe 0
	LOG *a file was cut short*
	EOF
}

test_a_file_that_is_replaced_stays_what_it_was_for_the_session() {
	echo 'info: joe' | lists
	echo 'info: ann' >"$SCRATCH/more1"
	talk_lists <<-EOF
	S: 220 *
	C: EXPN info
	S: 250 2.1.5 *<joe@mail.example>
	RUN mv $SCRATCH/more1 $LISTS
	C: EXPN info
	S: 250 2.1.5 *<joe@mail.example>
	C: QUIT
	S: 221 *
	END
	EOF
}

test_t_says_when_others_can_write_the_aliases() {
	echo 'info: joe' | lists
	for mode in 664 646; do
		chmod $mode "$LISTS"
		check_lists
		assertTrue "$mode" "grep -q 'aliases $LISTS: its group or others' '$SCRATCH/err'"
	done
	chmod 644 "$LISTS"
	check_lists
	assertEquals '' "$(cat "$SCRATCH/err")"
	rm "$LISTS"
	check_lists
	assertTrue 'absent' "grep -q 'aliases $LISTS: No such file' '$SCRATCH/err'"
}

test_aliases_are_looked_for_within_the_chroot() {
	need_root || return 0
	_root=$SCRATCH/root
	rm -rf "$_root"
	mkdir -p "$_root/mail" "$_root/spool"
	sed "s,$HOMES,,g" "$PASSWD" >"$_root/passwd"
	echo joe >"$_root/included"
	echo 'info: :include:/included' >"$_root/aliases"
	talk -o chroot="$_root" -o passwd=/passwd -o mailbox=/mail/%u -o spool=/spool \
	    -o aliases=/aliases <<-'EOF'
	S: 220 *
	C: EXPN info
	S: 250 2.1.5 *<joe@mail.example>
	C: QUIT
	S: 221 *
	END
	EOF
}

# -------------------------------------------------------------------------------------- EXPN

test_expn_shows_the_mailboxes_of_a_list_once_each() {
	lists <<-'EOF'
	staff: joe, ann, more
	more: joe, plain, ann@elsewhere.example, "O. Ther" <ANN@elsewhere.example>
	EOF
	expn staff '250-2.1.5 Joe Q. Public <joe@mail.example>' '250-2.1.5 Ann Meyer <ann@mail.example>' \
	    '250-2.1.5 <plain@mail.example>' '250 2.1.5 <ann@elsewhere.example>'
	expn '<staff@mail.example>' '250-*' '250-*' '250-*' '250 *'
	expn '"more"' '250-*' '250-*' '250 *'
}

test_expn_of_a_user_is_the_user() {
	echo 'info: joe' | lists
	expn ann '250 2.1.5 Ann Meyer <ann@mail.example>'
	expn ann+x@mail.example '250 2.1.5 Ann Meyer <ann@mail.example>'
	expn info '250 2.1.5 Joe Q. Public <joe@mail.example>'
	expn nobody-here '550 5.1.1 *'
	expn joe@elsewhere.example '550 5.7.1 *'
}

test_expn_shows_neither_commands_nor_files() {
	lists <<-'EOF'
	a: joe, "|/bin/secret", /var/secret, nobody-here, :include:/no/secret
	b: "|/bin/secret"
	c: joe, "|/bin/secret"
	d: d
	root: "|/bin/secret"
	EOF
	expn a '451 4.3.0 *'
	expn b '550 5.2.4 *'
	expn c '250 2.1.5 Joe Q. Public <joe@mail.example>'
	expn d '550 5.2.4 *'
	expn root '250 2.1.5 *<root@mail.example>'
}

test_expn_no_answers_252_to_everything() {
	echo 'info: joe' | lists
	talk_lists -o expn=no <<-'EOF'
	S: 220 *
	C: EXPN info
	S: 252 2.1.5 *
	C: EXPN nobody-here
	S: 252 2.1.5 *
	C: VRFY joe
	S: 250 2.1.5 *
	C: QUIT
	S: 221 *
	END
	EOF
}

test_ehlo_lists_expn_and_vrfy_when_they_are_on() {
	for _vrfy in yes no; do
		for _expn in yes no; do
			printf 'EHLO x\r\nQUIT\r\n' |
			    in_smtpd -o vrfy=$_vrfy -o expn=$_expn 2>"$LOG" | tr -d '\r' >"$SCRATCH/said"
			for _verb in VRFY EXPN; do
				_on=$_vrfy
				[ $_verb = VRFY ] || _on=$_expn
				_there=no
				! grep -qx "250-$_verb" "$SCRATCH/said" || _there=yes
				assertEquals "$_verb, vrfy=$_vrfy expn=$_expn" $_on $_there
			done
		done
	done
}

# A list is longer than any buffer for replies.
test_expn_of_a_thousand_shows_a_thousand() {
	crowd
	echo "full: $(seq -s, -f 'u%g' 1 1000)" | lists
	echo "many: $(seq -s, -f 'u%g' 1 1001)" >>"$LISTS"
	printf 'EXPN full\r\nEXPN many\r\nQUIT\r\n' |
	    in_smtpd -o aliases="$LISTS" -o passwd="$SCRATCH/crowd" 2>"$LOG" | tr -d '\r' >"$SCRATCH/said"
	assertEquals 1000 "$(grep -c '^250[- ]2.1.5 <u[0-9]*@mail.example>$' "$SCRATCH/said")"
	assertEquals '250 2.1.5 <u1000@mail.example>' "$(grep '^250 ' "$SCRATCH/said")"
	assertEquals 1 "$(grep -c '^550 5.2.4 ' "$SCRATCH/said")"
}

# -------------------------------------------------------------------------------------- VRFY

# RFC 5321 3.5.1: a list may be verified if everybody on it would get the mail.
test_vrfy_of_an_alias_says_what_rcpt_would() {
	lists <<-'EOF'
	info: joe
	staff: joe, ann
	"two words": joe, ann
	moved: ann@elsewhere.example
	mixed: joe, ann@elsewhere.example
	EOF
	talk_lists <<-'EOF'
	S: 220 *
	C: VRFY info
	S: 250 2.1.5 Joe Q. Public <joe@mail.example>
	C: VRFY Staff@other.example
	S: 250 2.1.5 <Staff@mail.example>
	C: VRFY "two words"
	S: 252 2.1.5 *
	C: VRFY moved
	S: 551 5.1.6 User not local; please try <ann@elsewhere.example>
	C: VRFY mixed
	S: 550 5.2.4 *
	C: VRFY Meyer
	S: 250 2.1.5 Ann Meyer <ann@mail.example>
	C: QUIT
	S: 221 *
	END
	EOF
}

test_vrfy_finds_full_names_before_the_star() {
	echo '*: joe' | lists
	talk_lists <<-'EOF'
	S: 220 *
	C: VRFY Meyer
	S: 250 2.1.5 Ann Meyer <ann@mail.example>
	C: VRFY Smith
	S: 553-5.1.4 *
	S: 553-5.1.4 *
	S: 553 5.1.4 *
	C: VRFY nobody-here
	S: 250 2.1.5 Joe Q. Public <joe@mail.example>
	C: QUIT
	S: 221 *
	END
	EOF
}

# shellcheck disable=SC1091
. shunit2

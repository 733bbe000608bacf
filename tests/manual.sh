#!/bin/sh
# SPDX-License-Identifier: ISC
# The manual: it says of the settings, the replies and the commands what the program says, and the
# README holds what it promises.
# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"

TREE=$(cd "$TESTS/.." && pwd)
PROGRAM_MANUAL=$TREE/doc/in.smtpd.8
SETTINGS_MANUAL=$TREE/doc/in.smtpd.conf.5

# What a 250 means, in the three sentences that README and in.smtpd(8) share.
PROMISE=$(tr '\n' ' ' <<'EOT'
A 250 that answers mail data means that the message is in the mailbox of every recipient and synced
to disk. Any other answer means that none of it is in any mailbox. Nothing is queued and nothing is
sent on: what cannot be delivered at once is refused, and stays with the sender.
EOT
)

# same WHAT ONE OTHER: two files, sorted, have the same lines, and at least twelve of them
same() {
	sort "$2" >"$2.sorted"
	sort "$3" >"$3.sorted"
	[ "$(wc -l <"$2")" -ge 12 ] || fail "$1: the test finds only $(wc -l <"$2") of them"
	differences=$(diff "$2.sorted" "$3.sorted") ||
		fail "$1 differ, < in the program, > in the manual:
$differences"
}

# section NAME FILE: the lines between .Sh NAME and the next .Sh
section() {
	awk -v name="$1" '/^\.Sh / { inside = substr($0, 5) == name; next } inside' "$2"
}

# The names in the order of -h; a value may hold blanks, and its column grows with it.
program_settings() {
	"$BIN" -h | awk 'found { print } /^Settings/ { found = 1 }'
}

# NAME|DEFAULT of each setting that in.smtpd.conf(5) describes
manual_settings() {
	section SETTINGS "$SETTINGS_MANUAL" | awk '
	/^\.It Ic / { name = $3 }
	/^\.Dq / && before == "Default:" { print name "|" substr($0, 5) }
	{ before = $0 }'
}

# NAME|LEAST|MOST of each that has bounds
manual_bounds() {
	section SETTINGS "$SETTINGS_MANUAL" | awk '
	/^\.It Ic / { name = $3 }
	/^Bounds: / { sub(/\.$/, ""); print name "|" $2 "|" $4 }'
}

test_every_setting_is_in_the_manual_with_its_default_and_no_other() {
	manual_settings | while IFS='|' read -r name default; do
		printf '%-20s %-20s\n' "$name" "$default"
	done | sed 's/ *$//' >"$SCRATCH/manual"
	program_settings | while IFS= read -r line; do
		# What the manual has for this name, if the line begins with it; else the line.
		known=$(grep "^${line%% *} " "$SCRATCH/manual" | head -n 1)
		case $line in
		"${known:-?}"\ *) printf '%s\n' "$known" ;;
		*) printf '%s\n' "$line" ;;
		esac
	done >"$SCRATCH/program"
	same settings "$SCRATCH/program" "$SCRATCH/manual"
}

# value NAME VALUE: the number that the program makes of it; fails if it is refused
value() {
	"$BIN" -t -o "$1=$2" 2>/dev/null | sed -n "s/^$1 //p" | grep .
}

test_the_bounds_of_numbers_are_those_in_the_manual() {
	manual_bounds >"$SCRATCH/bounds"
	numbers=$("$BIN" -t 2>/dev/null | grep -c '^[a-z-]* [0-9]*$')
	assertEquals 'settings with bounds' "$numbers" "$(wc -l <"$SCRATCH/bounds")"
	while IFS='|' read -r name least most; do
		low=$(value "$name" "$least") || fail "$name may not be its least, $least"
		high=$(value "$name" "$most") || fail "$name may not be its most, $most"
		value "$name" $((high + 1)) >/dev/null && fail "$name may be more than $most"
		[ "$low" = 0 ] || ! value "$name" $((low - 1)) >/dev/null ||
			fail "$name may be less than $least"
	done <"$SCRATCH/bounds"
}

# NUMBER CODE TEXT of each row of reply.h, the text with dots where the row has %s
program_replies() {
	printf '#include "reply.h"\n#define R(name, number, detail, text) number detail text @\n%s\n' \
	    'REPLIES(R)' | cc -E -P -I "$TREE" - | tr '\n@' ' \n' | sed -n '
	s/.* \([2-5][0-9][0-9]\) "\([0-9.]*\)" "\(.*\)" *$/\1 \2 \3/
	t found
	b
	:found
	s/" *"//g
	s/%s/.../g
	s/^\(.\)\(..\) \([0-9]\)/\1\2 \1.\3/
	s/  / /
	p'
}

manual_replies() {
	section REPLIES "$PROGRAM_MANUAL" | sed -n 's/^\.It Li "\(.*\)"$/\1/p'
}

test_every_reply_is_in_the_manual_and_no_other() {
	need cc || return 0
	program_replies >"$SCRATCH/program"
	manual_replies >"$SCRATCH/manual"
	same replies "$SCRATCH/program" "$SCRATCH/manual"
}

test_every_verb_that_help_lists_is_in_the_manual() {
	verbs=$(printf 'HELP\r\nQUIT\r\n' | in_smtpd -o terminals=yes 2>/dev/null |
	    sed -n 's/^214-2.0.0 Commands: \(.*\)\r$/\1/p')
	assertTrue 'HELP lists verbs' "[ $(echo "$verbs" | wc -w) -ge 10 ]"
	for verb in $verbs; do
		section SESSION "$PROGRAM_MANUAL" | grep -Eq "^\.It Ic $verb( |\$)" ||
			fail "$verb is not in the manual"
	done
	for verb in $(section SESSION "$PROGRAM_MANUAL" | sed -n 's/^\.It Ic \([A-Z]*\).*/\1/p'); do
		case " $verbs " in
		*" $verb "*) ;;
		*) fail "the manual has $verb, HELP has not" ;;
		esac
	done
}

test_every_option_is_in_the_manual() {
	usage=$("$BIN" -h | sed -n '1s/^usage: in.smtpd //p')
	assertEquals "$(echo "$usage" | grep -o ' *\[-[A-Za-z]' | tr -d ' []-' | sort)" \
	    "$(section DESCRIPTION "$PROGRAM_MANUAL" | sed -n 's/^\.It Fl \([A-Za-z]\).*/\1/p' |
	    sort)"
}

# Every key of a log line, with the word that the line begins with: `refused helo`.
log_keys() {
	awk '{
		verb = $1
		gsub(/"[^"]*"/, "")
		while (match($0, /[a-z]+=/)) {
			print verb, substr($0, RSTART, RLENGTH - 1)
			$0 = substr($0, RSTART + RLENGTH)
		}
	}' | sort -u
}

test_every_key_of_a_log_line_is_in_the_manual() {
	deliver_one joe
	cp "$LOG" "$SCRATCH/lines"
	ln -s /nowhere "$MAIL/ann"
	: >"$MAIL/max.lock"
	talk -a -o lock-timeout=0 <<-'EOF'
	S: 220 *
	C: HELO client.example
	S: 250 *
	C: MAIL FROM:<sender@client.example>
	S: 250 *
	C: RCPT TO:<ann@mail.example>
	S: 451 *
	C: RCPT TO:<max@mail.example>
	S: 250 *
	C: DATA
	S: 354 *
	C: .
	S: 450 *
	C: QUIT
	S: 221 *
	END
	EOF
	cat "$LOG" >>"$SCRATCH/lines"
	at_terminal joe
	log_in joe nowhere
	talk -o terminals=yes -o utmp="$UTMP" <<-'EOF'
	S: 220 *
	C: HELO client.example
	S: 250 *
	C: SEND FROM:<sender@client.example>
	S: 250 *
	C: RCPT TO:<joe@mail.example>
	S: 250 *
	C: DATA
	S: 354 *
	C: .
	S: 250 *
	EOF
	close_terminals
	cat "$LOG" >>"$SCRATCH/lines"
	printf 'HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<mixed@mail.example>\r\nQUIT\r\n' |
	    in_smtpd -o aliases="$ALIASES" 2>>"$SCRATCH/lines" >/dev/null
	talk <<-'EOF'
	# pregreet: NOOP\r\n
	S: 220 *
	S: 250 *
	EOF
	cat "$LOG" >>"$SCRATCH/lines"
	sed 's/^<[0-9]*>[^ ]*: //' "$SCRATCH/lines" | log_keys >"$SCRATCH/program"
	section LOGGING "$PROGRAM_MANUAL" | sed -n 's/^\.It Li //; T; s/\\(dq/"/g; p' |
	    log_keys >"$SCRATCH/manual"
	same 'keys of log lines' "$SCRATCH/program" "$SCRATCH/manual"
}

test_the_readme_has_fewer_than_120_lines() {
	assertTrue "[ $(wc -l <"$TREE/README") -lt 120 ]"
}

test_the_promise_is_in_the_readme_and_in_the_manual() {
	for file in "$TREE/README" "$PROGRAM_MANUAL"; do
		tr -s ' \n' ' ' <"$file" | grep -qF "$PROMISE" || fail "${file##*/} has it otherwise"
	done
}

test_what_the_readme_names_is_there() {
	names=$(grep -oE '\b(doc|examples|tests)/[A-Za-z0-9./]*[A-Za-z0-9*]' "$TREE/README" | sort -u)
	assertNotNull 'names' "$names"
	# shellcheck disable=SC2086  # names, one of them a pattern
	(cd "$TREE" && ls -d $names CHANGES LICENSE) >"$SCRATCH/named" 2>&1 ||
		fail "$(grep 'cannot access' "$SCRATCH/named")"
	targets=$(sed -n 's/^ *make \([a-z-]*\).*/\1/p' "$TREE/README" | tr -s '\n' ' ')
	assertEquals 'demo check install ' "$targets"
	for target in $targets; do
		grep -q "^$target:" "$TREE/Makefile" || fail "make knows no $target"
	done
	settings=$(sed -n '/^The settings/,/^Printers/s/^    \([a-z-]*\) .*/\1/p' "$TREE/README")
	assertEquals 'settings in the README' 5 "$(echo "$settings" | wc -l)"
	for setting in $settings; do
		"$BIN" -h | grep -q "^$setting " || fail "there is no setting $setting"
	done
}

# example N: the text of in.smtpd.conf(5)'s Nth display
example() {
	section EXAMPLES "$SETTINGS_MANUAL" | awk -v n="$1" '
	/^\.Bd / { inside = ++count == n; next }
	/^\.Ed/ { inside = 0 }
	inside'
}

test_the_examples_in_the_manual_are_good_settings() {
	for number in 1 2 3 5 6; do
		example $number >"$SCRATCH/example"
		assertTrue "example $number" "[ -s $SCRATCH/example ]"
		# They do not fit this host, but none of them is malformed.
		"$BIN" -t -f "$SCRATCH/example" >"$SCRATCH/printed" 2>/dev/null
		assertTrue "example $number is taken" "[ -s $SCRATCH/printed ]"
	done
	example 4 >"$SCRATCH/users"
	printf 'VRFY Meyer\r\nVRFY postmaster\r\nQUIT\r\n' |
	    in_smtpd -o passwd="$SCRATCH/users" >"$SCRATCH/said" 2>/dev/null
	assertEquals 2 "$(grep -c '^250 2.1.5 ' "$SCRATCH/said")"
}

# A line of doc/SECURITY such as `delivery: a link is no mailbox` is a test's name.
test_the_tests_that_stand_against_threats_are_there() {
	sed -n '/^Threats/,$s/^  *\([a-z_]*\): \(.*\)/\1 \2/p' "$TREE/doc/SECURITY" >"$SCRATCH/named"
	assertTrue 'SECURITY names tests' "[ $(wc -l <"$SCRATCH/named") -ge 12 ]"
	while read -r area name; do
		name=$(echo "$name" | tr ' ' _)
		grep -qs "^test_$name()" "$TESTS/$area.sh" "$TESTS"/*/"$area.sh" ||
			[ -f "$TESTS/$area/$(echo "$name" | tr _ -)" ] ||
			fail "there is no such test: $area: $name"
	done <"$SCRATCH/named"
}

# FILE INCLUDED, a line each; of the two files of a name as if they were one
program_includes() {
	for file in "$TREE"/*.[ch]; do
		name=${file##*/}
		sed -n "s/^#include \"\(.*\)\.h\"/${name%.*} \1/p" "$file"
	done | awk '$1 != $2' | sort -u
}

manual_includes() {
	sed -n '/^Who includes whom/,/^parse/s/^    \([a-z ]*\)$/\1/p' "$TREE/doc/HACKING" |
	    awk '{ for (i = 2; i <= NF; i++) print $1, $i }'
}

test_who_includes_whom_is_as_hacking_says() {
	program_includes >"$SCRATCH/program"
	manual_includes >"$SCRATCH/manual"
	same includes "$SCRATCH/program" "$SCRATCH/manual"
	for file in "$TREE"/*.[ch]; do
		name=${file##*/}
		grep -Eq "^    ${name%.*} +[a-z]+ .*\?" "$TREE/doc/HACKING" ||
			fail "no question is asked of ${file##*/}"
	done
}

test_mandoc_finds_nothing_wrong() {
	need mandoc || return 0
	for manual in "$PROGRAM_MANUAL" "$SETTINGS_MANUAL"; do
		found=$(mandoc -T lint -W warning "$manual") || fail "$found"
	done
}

# shellcheck disable=SC1091
. shunit2

# SPDX-License-Identifier: ISC
# shellcheck shell=sh
# shellcheck disable=SC2034  # BIN, MAIL and the like are for the files that source this one
#
# lib.sh - what every tests/AREA.sh sources first.  An area file looks like this:
#
#     #!/bin/sh
#     # What this area is about, in a sentence.
#     . "${0%/*}/lib.sh"
#
#     test_a_sentence_that_is_true() {
#             talk -o message-size-limit=1000 <<-'EOF'
#             S: 220 mail.example *
#             C: QUIT
#             S: 221 *
#             END
#             EOF
#             assertEquals 'messages' 0 "$(mailbox_messages joe)"
#     }
#
#     . shunit2
#
# (<<- takes the tabs before each line away.)  The file runs by itself, `tests/area.sh`, or through
# `tests/run area`.  Every test starts with empty mailboxes (setUp calls fresh_mail; a file that
# defines its own setUp should call it too).  Asserts do not count in a subshell `( ... )`: set
# WRAP instead, or assert on the subshell's exit status.
#
# What there is:
#   $BIN            the program under test (from the environment; default ./in.smtpd)
#   $SCRATCH        a directory of this file's own, mode 755, gone at the end
#   $MAIL           $SCRATCH/mail: the mailboxes, made as Debian makes /var/mail
#   $HOMES $SPOOL   home directories (one a user); the spool directory
#   $PASSWD         the users, see make_users below; a test may write another and -o passwd= it
#   $UTMP           the records of who is logged in; -o utmp= it
#   $ALIASES        aliases that are off, see make_aliases; -o aliases=$ALIASES turns them on
#   $LOG            what the program of the last `talk` wrote on descriptor 2, that is its log
#   $ROOT           `yes` or empty
#
#   talk [-b|-a] [-v] [ARGUMENT...] <<EOF
#                   plays a dialogue (tests/talk says how one is written) against the program with
#                   the usual arguments and these; fails the test where it goes otherwise, and
#                   returns 1 then
#   play FILE [ARGUMENT...]
#                   plays a dialogue file in all three ways, each with fresh mailboxes; the replies
#                   must be the same in all
#   deliver_one USER[@DOMAIN] [LINE...]
#                   one message for USER, of these lines (default `Subject: one`, none, `text`)
#   in_smtpd [ARGUMENT...]
#                   the program with the usual arguments on this shell's own descriptors
#   mailbox_messages USER     how many messages Python's mailbox module finds
#   mailbox_message USER N    the Nth of them (1 is the first), without its From_ line
#   remember_mailbox USER     then, later:
#   assert_mailbox_unchanged USER   same octets, inode, owner, mode; still absent if it was
#   assert_log PATTERN        a line of $LOG matches the extended regular expression
#   within SECONDS COMMAND... tries it ten times a second until it succeeds; 1 when it never did
#   fresh_mail                empties $MAIL
#   at_terminal USER [NAME [MODE [STATE]]]
#                   a terminal of the user's, who is logged in there as $UTMP says; what it shows is in
#                   $SCRATCH/NAME.seen, its line in $SCRATCH/NAME.line (tests/terminal has the rest)
#   log_in USER LINE [TYPE]   adds a record to $UTMP
#   close_terminals           ends those that at_terminal made
#   skip REASON               prints it; the test counts as skipped: skip 'no disk' && return
#   need_root                 skips without root: need_root || return 0
#   need COMMAND              skips where COMMAND is not there: need strace || return 0
#   $LITTLE_MEMORY  in WRAP: the program may have no more of it than a session of this one needs
#   WRAP='strace -f -o x'     a command to run the program under, in `talk`

TESTS=${TESTS:-$(cd "$(dirname "$0")" && { [ -e lib.sh ] || cd ..; } && pwd)}
BIN=${BIN:-$TESTS/../in.smtpd}
case $BIN in /*) ;; *) BIN=$(cd "$(dirname "$BIN")" && pwd)/${BIN##*/} ;; esac
[ -x "$BIN" ] || { echo "$BIN is not there: make first" >&2; exit 1; }

umask 022
SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/in.smtpd-test.XXXXXX") || exit 1
chmod 755 "$SCRATCH"
MAIL=$SCRATCH/mail HOMES=$SCRATCH/homes SPOOL=$SCRATCH/spool PASSWD=$SCRATCH/passwd
ALIASES=$SCRATCH/aliases LOG=$SCRATCH/log UTMP=$SCRATCH/utmp WRAP='' ROOT=''
[ "$(id -u)" -ne 0 ] || ROOT=yes
export MAIL SCRATCH HOMES SPOOL PASSWD ALIASES LOG UTMP
case $SCRATCH in *[!A-Za-z0-9/._+,-]*) echo "unfit for a test: $SCRATCH" >&2; exit 1 ;; esac
# shellcheck disable=SC2034  # for shunit2
SHUNIT_COLOR=none SHUNIT_PARENT=$0
# Nothing is left behind by a sanitizer either, and its word is final.
ASAN_OPTIONS=detect_leaks=0:exitcode=99 UBSAN_OPTIONS=print_stacktrace=1
export ASAN_OPTIONS UBSAN_OPTIONS

# user NAME UID GECOS: a line of the passwd file, and his home.  Without root every user is this one.
user() {
	_uid=$2
	[ -n "$ROOT" ] || _uid=$(id -u)
	printf '%s:x:%s:8:%s:%s:/bin/sh\n' "$1" "$_uid" "$3" "$HOMES/$1"
	mkdir -p "$HOMES/$1"
	[ -z "$ROOT" ] || chown "$_uid:8" "$HOMES/$1"
}

make_users() {
	user root 0 root
	user nobody 65534 nobody
	user joe 20001 'Joe Q. Public,Room 1,,'
	user ann 20002 '& Meyer'
	# Two of one surname, and two of one full name.
	user jsmith 20003 'John Smith'
	user jane 20004 'Jane Smith,,555-1234,'
	user lee1 20005 'Pat Lee'
	user lee2 20006 'Pat Lee'
	# Case: Bob has no lower-case namesake, Max has one.
	user Bob 20007 'Robert Tables'
	user Max 20008 'Max Upper'
	user max 20009 'Max Lower'
	# What may stand in a name: a dot, nothing, octets that are not printable.
	user first.last 20010 'First von Last'
	user plain 20011 ''
	user odd 20012 "$(printf 'J\303\274rgen \033[1mOdd "Q" <x>')"
	# A local part that looks like joe with a detail, and a user of his own.
	user joe-list 20013 'Joe List'
	# Two whose names are UTF-8, of one surname.
	user "$(printf 'j\303\274rg')" 20014 "$(printf 'J\303\274rg M\303\274ller')"
	user "$(printf 'bj\303\266rn')" 20015 "$(printf 'Bj\303\266rn M\303\274ller')"
}

make_aliases() {
	cat <<-'EOF'
	# A name for one, and lists, one of them in another.
	info: joe
	staff: ann, jsmith,
	    # who came last
	    "jane", joe@mail.example
	all: staff, lee1, \joe
	# Nobody here; and one who is among others.
	moved: ann@elsewhere.example
	mixed: joe, ann@elsewhere.example
	vacation: joe, "|/usr/bin/vacation joe"
	EOF
}

fresh_mail() {
	rm -rf "$MAIL"
	mkdir "$MAIL"
	if [ -n "$ROOT" ]; then
		chown 0:8 "$MAIL"
		chmod 2775 "$MAIL"
	fi
}

mkdir "$HOMES" "$SPOOL"
make_users >"$PASSWD"
make_aliases >"$ALIASES"
fresh_mail

setUp() {
	fresh_mail
}

clean_up() {
	[ ! -d "$SCRATCH" ] || rm -rf "$SCRATCH"
}

# shunit2 calls it twice.
oneTimeTearDown() {
	clean_up
}

# The arguments that every test gives; a test's own come behind them and win.
USUAL="-o hostname=mail.example -o domains=mail.example,localhost,other.example"
USUAL="$USUAL -o passwd=$PASSWD -o aliases=none -o mailbox=$MAIL/%u -o spool=$SPOOL -o log=stderr"

# A command to run the program under: it fails where a process of it takes more than 20 MB, unless
# it is one with sanitizers, which have memory of their own.
LITTLE_MEMORY=$SCRATCH/little-memory
cat >"$LITTLE_MEMORY" <<'EOF'
#!/usr/bin/env python3
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:]).returncode
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
if peak > 20000 and '/asan/' not in sys.argv[1]:
    sys.exit(f'it took {peak} KiB')
sys.exit(status)
EOF
chmod 755 "$LITTLE_MEMORY"

# attack_with SECONDS PROGRAM ARG...: tests/hostile/PROGRAM.py ends by itself in that time, and
# fails where an attack works.
attack_with() {
	_seconds=$1 _program=$2
	shift 2
	BIN=$BIN USUAL=$USUAL timeout -k 1 "$_seconds" \
	    python3 "$TESTS/hostile/$_program.py" "$@" ||
		{ tail -n 20 "$LOG"; fail "$_program $*"; }
}

in_smtpd() {
	# shellcheck disable=SC2086  # many words
	$WRAP "$BIN" $USUAL "$@"
}

# play_once OPTIONS FILE ARGUMENT...
play_once() {
	_options=$1 _file=$2
	shift 2
	# shellcheck disable=SC2086  # each of these is many words
	python3 -S "$TESTS/talk" $_options -e "$LOG" "$_file" -- $WRAP "$BIN" $USUAL "$@"
}

talk() {
	_options=
	while :; do
		case ${1:-} in
		-[abv]) _options="$_options $1"; shift ;;
		*) break ;;
		esac
	done
	play_once "$_options" - "$@" || { fail 'the dialogue went otherwise'; return 1; }
}

play() {
	_played=$1 _first=""
	shift
	for _way in '' -b -a; do
		fresh_mail
		_said=$SCRATCH/said$_way
		rm -f "$_said"
		play_once "$_way -r $_said" "$_played" "$@" ||
			{ fail "the dialogue went otherwise: ${_played##*/}"; return 1; }
		[ -s "$_said" ] || continue
		_first=${_first:-$_said}
		cmp -s "$_first" "$_said" ||
			{ diff "$_first" "$_said"; fail "the replies depend on the writes"; return 1; }
	done
}

deliver_one() {
	case $1 in *@*) _user=$1 ;; *) _user=$1@mail.example ;; esac
	shift
	[ $# -gt 0 ] || set -- 'Subject: one' '' text
	{
		cat <<-'EOF'
		S: 220 *
		C: EHLO client.example
		S+ 250?*
		C: MAIL FROM:<sender@client.example>
		S: 250 *
		EOF
		printf 'C: RCPT TO:<%s>\nS: 250 *\nC: DATA\nS: 354 *\n' "$_user"
		printf 'C: %s\n' "$@" .
		printf 'S: 250 *\nC: QUIT\nS: 221 *\nEND\n'
	} >"$SCRATCH/deliver_one"
	play_once -a "$SCRATCH/deliver_one" || { fail "nothing was delivered to $_user"; return 1; }
}

mailbox_messages() {
	[ -e "$MAIL/$1" ] || { echo 0; return; }
	python3 -c 'import mailbox, sys; print(len(mailbox.mbox(sys.argv[1], create=False)))' \
	    "$MAIL/$1"
}

mailbox_message() {
	python3 -c 'import mailbox, sys
box = mailbox.mbox(sys.argv[1], create=False)
sys.stdout.buffer.write(box.get_bytes(box.keys()[int(sys.argv[2]) - 1]))' "$MAIL/$1" "$2"
}

# What there is to compare of a mailbox: owner, mode, inode, links, length, and its octets' sum.
describe_mailbox() {
	if [ -e "$MAIL/$1" ] || [ -h "$MAIL/$1" ]; then
		stat -c '%u:%g %A inode %i, links %h, %s octets' "$MAIL/$1"
		[ ! -f "$MAIL/$1" ] || cksum <"$MAIL/$1"
	else
		echo absent
	fi
}

remember_mailbox() {
	describe_mailbox "$1" >"$SCRATCH/remembered-$1"
}

assert_mailbox_unchanged() {
	assertEquals "the mailbox of $1" "$(cat "$SCRATCH/remembered-$1")" "$(describe_mailbox "$1")"
}

log_in() {
	python3 -S "$TESTS/terminal" record "$@" >>"$UTMP"
}

at_terminal() {
	_name=$SCRATCH/${2:-$1}
	rm -f "$_name.line"
	python3 -S "$TESTS/terminal" open "$_name" "$(awk -F: -v name="$1" '$1 == name { print $3 }' "$PASSWD")" \
	    "${3:-620}" ${4:+"$4"} >/dev/null 2>&1 </dev/null &
	TERMINALS="$TERMINALS $!"
	within 5 test -e "$_name.line" || { fail "no terminal for $1"; return 1; }
	log_in "$1" "$(cat "$_name.line")"
}
TERMINALS=''

close_terminals() {
	# shellcheck disable=SC2086  # many words
	[ -z "$TERMINALS" ] || kill $TERMINALS
	TERMINALS=''
}

assert_log() {
	grep -Eq "$1" "$LOG" || { cat "$LOG"; fail "no line of the log has: $1"; }
}

within() {
	for _try in $(seq $(($1 * 10))); do
		(shift && "$@") && return 0
		sleep 0.1
	done
	return 1
}

# tests/run knows a skipped test by this line; the asserts that follow it do not count.
skip() {
	echo "SKIP: $1"
	startSkipping
}

need_root() {
	[ -n "$ROOT" ] || { skip 'only root can try this'; return 1; }
}

need() {
	command -v "$1" >/dev/null || { skip "$1 is not there"; return 1; }
}

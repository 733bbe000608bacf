#!/bin/sh
# SPDX-License-Identifier: ISC
# Locks that agree with everybody: their order, what is held while waiting (nothing), whose dotlocks
# are respected and whose are not, and a mailbox that is replaced at the wrong moment.
#
# To see one of these tests fail: tests/mutants takes the step out that it guards, and tries it.
# shellcheck source=tests/lib.sh
. "${TESTS:-${0%/*}/..}/lib.sh"

make_mailbox() {
	printf 'From old@client.example Sun Jan  1 00:00:00 2023\nSubject: old\n\nold text\n\n' \
	    >"$MAIL/$1"
	own "$1"
	chmod 600 "$MAIL/$1"
}

own() {
	[ -z "$ROOT" ] || chown "$(awk -F: -v u="$1" '$1 == u { print $3 }' "$PASSWD"):8" "$MAIL/$1"
}

# send_to REPLY USER... [-- ARGUMENT...]: a message for the users.
send_to() {
	_reply=$1
	shift
	{
		printf 'S: 220 *\nC: HELO client.example\nS: 250 *\n'
		printf 'C: MAIL FROM:<ann@client.example>\nS: 250 *\n'
		while [ $# -gt 0 ] && [ "$1" != -- ]; do
			printf 'C: RCPT TO:<%s@mail.example>\nS: 250 *\n' "$1"
			shift
		done
		printf 'C: DATA\nS: 354 *\n%s' "${BEFORE_THE_TEXT:-}"
		printf 'C: Subject: new\nC:\nC: new text\nC: .\nS: %s\nC: QUIT\nS: 221 *\nEND\n' "$_reply"
	} >"$SCRATCH/dialogue"
	while [ $# -gt 0 ] && [ "$1" != -- ]; do shift; done
	[ $# -eq 0 ] || shift
	talk "$@" <"$SCRATCH/dialogue"
}

# hold WHAT USER: as another program; until let_go.  The fcntl lock is taken and the dotlock, too,
# where WHAT says so; $HOLDER is its process.
hold() {
	rm -f "$SCRATCH/held" "$SCRATCH/let-go"
	timeout 60 python3 -c 'import fcntl, os, sys, time
what, box, held, let_go = sys.argv[1:]
print(os.getpid(), file=open(held + ".pid", "w"))
with open(box, "r+b") as opened:
    if "fcntl" in what:
        fcntl.lockf(opened, fcntl.LOCK_EX)
    if "dotlock" in what:
        with open(box + ".lock", "x") as lock:
            print(os.getpid(), file=lock)
    os.rename(held + ".pid", held)
    while not os.path.exists(let_go):
        time.sleep(0.02)
    if "dotlock" in what:
        os.remove(box + ".lock")' "$1" "$MAIL/$2" "$SCRATCH/held" "$SCRATCH/let-go" &
	_job=$!
	within 10 test -e "$SCRATCH/held"
	HOLDER=$(cat "$SCRATCH/held")
}

let_go() {
	: >"$SCRATCH/let-go"
	wait "$_job"
}

# Asserts that the delivery took from $1 to $2 milliseconds, as its log line says.
assert_delay() {
	_delay=$(sed -n 's/.* delivered .* delay=0*\([0-9]*\)\.\([0-9]*\).*/\1\2/p' "$LOG" | head -n 1)
	_delay=$(echo "${_delay:-999999}" | sed 's/^0*\(.\)/\1/')
	assertTrue "it took $_delay ms" "[ $_delay -ge $1 ] && [ $_delay -le $2 ]"
}

# The two users by their mailboxes' order, which is that of the inode numbers.
sort_users() {
	_sorted=$(cd "$MAIL" && stat -c '%i %n' joe jane | sort -n | cut -d' ' -f2)
	FIRST=$(echo "$_sorted" | head -n 1)
	SECOND=$(echo "$_sorted" | tail -n 1)
}

# trace: the next talk leaves what happens to mailboxes and dotlocks, an event a line, for events.
trace() {
	rm -f "$SCRATCH"/trace.*
	WRAP="strace -ff -qq -y -o $SCRATCH/trace"
}

# `locked joe`, `unlocked joe`, `dotlocked joe`, `looked joe`, `wrote joe`, `synced joe`, `undotlocked joe`, `closed
# joe` and `slept`, in the deliverer's order.
events() {
	WRAP=''
	_box="$MAIL/([a-z]+)"
	grep -lE 'F_SETLK' "$SCRATCH"/trace.* | head -n 1 | xargs cat | sed -nE \
	    -e "s,^fcntl\(.*<$_box>\, F_SETLKW?\, .*F_WRLCK.* = 0\$,locked \1,p" \
	    -e "s,^fcntl\(.*<$_box>\, F_SETLK\, .*F_UNLCK.* = 0\$,unlocked \1,p" \
	    -e "s,^fcntl\(.*<$_box>\, F_SETLKW\, .* = (\?|-).*,slept,p" \
	    -e "s,^link(at)?\(.*\"$_box\.lock\".* = 0\$,dotlocked \2,p" \
	    -e "s,^(newfstatat|lstat)\(.*\"$_box\"\, .* = 0\$,looked \2,p" \
	    -e "s,^write?v?\([0-9]+<$_box>.* = [0-9]+\$,wrote \1,p" \
	    -e "s,^fsync\([0-9]+<$_box>\) += 0\$,synced \1,p" \
	    -e "s,^unlink(at)?\(.*\"$_box\.lock\".* = 0\$,undotlocked \2,p" \
	    -e "s,^close\([0-9]+<$_box>\) += 0\$,closed \1,p" \
	    -e 's,^(clock_)?nanosleep.*,slept,p'
}

# Debian Policy 11.6.
test_the_fcntl_lock_comes_first_and_the_dotlock_second_and_then_the_path_is_looked_at() {
	need strace || return 0
	make_mailbox joe
	trace
	send_to '250 *' joe
	assertEquals 'locked dotlocked looked wrote synced undotlocked closed' \
	    "$(events | sed -n '/^locked/,$s/ joe//p' | tr '\n' ' ' | sed 's/ $//')"
}

test_of_two_mailboxes_all_is_locked_before_and_synced_after_all_is_written() {
	need strace || return 0
	make_mailbox joe
	make_mailbox jane
	sort_users
	for _users in 'joe jane' 'jane joe'; do
		trace
		# shellcheck disable=SC2086 # two words
		send_to '250 *' $_users
		assertEquals "locked $FIRST,dotlocked $FIRST,locked $SECOND,dotlocked $SECOND,wrote\
 $FIRST,wrote $SECOND,synced $FIRST,synced $SECOND,undotlocked $FIRST,undotlocked $SECOND," \
		    "$(events | grep -E '^(locked|dotlocked|wrote|synced|undot)' | tr '\n' ,)"
	done
}

# Others take the dotlock first.
test_nothing_is_held_while_waiting() {
	need strace || return 0
	for _what in fcntl dotlock; do
		fresh_mail
		make_mailbox joe
		make_mailbox jane
		sort_users
		hold $_what "$SECOND"
		trace
		send_to '450 4.2.0 *' joe jane -- -o lock-timeout=1s
		let_go
		events | awk '
		/^(un)?locked/ { held["f" $2] = /^locked/ }
		/^closed/ { held["f" $2] = 0 }
		/^dotlocked/ { held["d" $2] = 1; taken++ }
		/^undotlocked/ { held["d" $2] = 0 }
		/^slept/ { slept++; for (lock in held) if (held[lock]) print "sleeps with " lock }
		END { if (slept < 5 || taken < 5) print slept + 0 " times slept, " taken + 0 " taken" }
		' >"$SCRATCH/held-asleep"
		assertEquals "waiting for $_what" '' "$(sort "$SCRATCH/held-asleep" | uniq -c)"
	done
}

# The same, as another program sees it.
test_while_one_mailbox_is_waited_for_another_program_can_lock_the_other() {
	for _what in fcntl dotlock; do
		fresh_mail
		make_mailbox joe
		make_mailbox jane
		sort_users
		hold $_what "$SECOND"
		(sleep 1
		timeout 20 python3 -c 'import fcntl, os, sys, time
box, start = sys.argv[1], time.monotonic()
with open(box, "r+b") as opened:
    fcntl.lockf(opened, fcntl.LOCK_EX)
    while True:
        try:
            os.close(os.open(box + ".lock", os.O_CREAT | os.O_EXCL))
            break
        except FileExistsError:
            time.sleep(0.001)
    print(int(1000 * (time.monotonic() - start)))
    time.sleep(0.2)
    os.remove(box + ".lock")' "$MAIL/$FIRST" >"$SCRATCH/waited"
		: >"$SCRATCH/let-go") &
		_other=$!
		send_to '250 2.6.0 *' joe jane -- -o lock-timeout=10s
		wait $_other
		let_go
		assertTrue "the other waited $(cat "$SCRATCH/waited") ms for the first" \
		    "[ $(cat "$SCRATCH/waited") -lt 1000 ]"
		assertEquals 'joe' 2 "$(mailbox_messages joe)"
		assertEquals 'jane' 2 "$(mailbox_messages jane)"
	done
}

test_a_release_is_noticed_soon() {
	for _what in fcntl dotlock; do
		fresh_mail
		make_mailbox joe
		hold $_what joe
		BEFORE_THE_TEXT="RUN (sleep 1; : >\"$SCRATCH/let-go\") & # let go while it waits
"
		send_to '250 2.6.0 *' joe -- -o lock-timeout=10s
		BEFORE_THE_TEXT=''
		let_go
		# The holder looks every 20 ms; the rest is for a busy machine.
		assert_delay 500 1600
	done
}

test_waiting_ends_when_lock_timeout_says() {
	make_mailbox joe
	hold dotlock joe
	_before=$(date +%s%N)
	send_to '450 4.2.0 *' joe -- -o lock-timeout=2s
	_took=$((($(date +%s%N) - _before) / 1000000))
	let_go
	assertTrue "it took $_took ms" "[ $_took -ge 1800 ] && [ $_took -le 3500 ]"
}

test_the_reply_and_the_log_name_the_process_that_has_the_fcntl_lock() {
	make_mailbox joe
	hold fcntl joe
	send_to "450 4.2.0 *process $HOLDER*" joe -- -o lock-timeout=1s
	let_go
	assert_log "deferred .*process ${HOLDER}[^0-9]"
}

test_the_reply_and_the_log_tell_the_age_of_a_dotlock_and_what_it_says() {
	make_mailbox joe
	hold dotlock joe
	touch -d '100 seconds ago' "$MAIL/joe.lock"
	send_to "450 4.2.0 *10[0-9] seconds*$HOLDER*" joe -- -o lock-timeout=1s
	let_go
	assert_log "deferred .*10[0-9] seconds.* ${HOLDER}[^0-9]"
}

# What a dotlock says goes to the client and into the log.
test_a_dotlock_cannot_put_anything_into_the_reply_or_the_log() {
	make_mailbox joe
	printf 'a\r\n250 x\033[1m\377\n' >"$MAIL/joe.lock"
	send_to '450 4.2.0 *' joe -- -o lock-timeout=1s
	assertEquals 'control characters in the log' 0 "$(tr -d '\n -~' <"$LOG" | wc -c)"
}

# try_dotlock REPLY AGE TEXT: there is a dotlock, so many seconds old, that says this.
try_dotlock() {
	fresh_mail
	make_mailbox joe
	printf '%s' "$3" >"$MAIL/joe.lock"
	touch -d "$2 seconds ago" "$MAIL/joe.lock"
	_size=$(stat -c '%i %s %Y' "$MAIL/joe.lock")
	send_to "$1" joe -- -o lock-timeout=1s || echo "with a dotlock of $2 s that says: $3"
	case $1 in
	250*)
		assert_delay 0 900
		assertFalse "it is there still, with $3" "[ -e '$MAIL/joe.lock' ]"
		assertEquals 2 "$(mailbox_messages joe)"
		;;
	*)
		assertEquals "of $2 s: $3" "$_size" "$(stat -c '%i %s %Y' "$MAIL/joe.lock")"
		assertEquals 1 "$(mailbox_messages joe)"
		;;
	esac
}

# liblockfile's rule.
test_the_dotlock_of_a_dead_process_is_taken_at_once() {
	DEAD=$(sh -c 'echo $$')
	try_dotlock '250 *' 0 "$DEAD
"
}

test_the_dotlock_of_a_living_process_is_respected_however_old() {
	try_dotlock '450 4.2.0 *' 0 "$$
"
	try_dotlock '450 4.2.0 *' 86400 "$$
"
}

# procmail writes 0, mutt_dotlock and Python nothing.
test_a_dotlock_without_a_process_is_respected_for_five_minutes() {
	for _text in '' 0; do
		try_dotlock '450 4.2.0 *' 200 "$_text"
		try_dotlock '250 *' 400 "$_text"
	done
}

# As Dovecot's process:host.
test_a_dotlock_of_sixteen_octets_and_more_goes_by_its_age() {
	DEAD=$(sh -c 'echo $$')
	for _text in "$DEAD:some.host.example" "$$:some.host.example"; do
		try_dotlock '450 4.2.0 *' 200 "$_text"
		try_dotlock '250 *' 400 "$_text"
	done
}

test_what_is_no_file_is_no_dotlock_to_be_removed_however_old_it_is() {
	for _kind in fifo link dangling directory; do
		fresh_mail
		make_mailbox joe
		make_mailbox ann
		case $_kind in
		fifo) mkfifo "$MAIL/joe.lock" ;;
		link) ln -s ann "$MAIL/joe.lock" ;;
		dangling) ln -s nothing "$MAIL/joe.lock" ;;
		directory) mkdir "$MAIL/joe.lock" ;;
		esac
		touch -h -d '1 day ago' "$MAIL/joe.lock"
		touch -d '1 day ago' "$MAIL/ann"
		for _user in ann joe joe.lock; do remember_mailbox $_user; done
		send_to '450 4.2.0 *' joe -- -o lock-timeout=1s || echo "with a $_kind"
		for _user in ann joe joe.lock; do assert_mailbox_unchanged $_user; done
		assertFalse 'made' "[ -e '$MAIL/nothing' ]"
	done
}

# Which fcntl on the mailbox is the one that locks: musl's open() makes calls of its own.
lock_among_fcntls() {
	make_mailbox joe
	WRAP="strace -f -qq -P $MAIL/joe -o $SCRATCH/trace -e trace=fcntl"
	send_to '250 2.6.0 *' joe >&2
	sed -n '/F_SETLK/{=;q;}' "$SCRATCH/trace"
}

# replace_at CALL N: a reader renames a new file into place before the deliverer's Nth CALL.
replace_at() {
	need strace || return 0
	make_mailbox joe
	exec 9<"$MAIL/joe"
	rm -f "$SCRATCH/trace" "$SCRATCH/renamed"
	cat >"$SCRATCH/rename" <<-'EOF'
	# The second time it is opened is for the delivery.
	for try in $(seq 200); do
		[ "$(grep -c "open.*mail/joe\".* = [0-9]" "$SCRATCH/trace")" -lt 2 ] || break
		sleep 0.02
	done
	sed 's/old text/read text/' "$MAIL/joe" >"$MAIL/joe.new"
	chown --reference "$MAIL/joe" "$MAIL/joe.new"
	chmod 600 "$MAIL/joe.new"
	mv "$MAIL/joe.new" "$MAIL/joe"
	date +%s.%N >"$SCRATCH/renamed"
	EOF
	BEFORE_THE_TEXT="RUN sh \"$SCRATCH/rename\" >\"$SCRATCH/rename.log\" 2>&1 &
"
	WRAP="strace -f -qq -ttt -P $MAIL/joe -o $SCRATCH/trace -e trace=open,openat,fstat,newfstatat,fcntl"
	WRAP="$WRAP -e inject=$1:delay_enter=1500000:when=$2"
	send_to '250 2.6.0 *' joe -- -o lock-timeout=10s
	WRAP='' BEFORE_THE_TEXT=''
	# That the window was open: renamed when it was opened, and locked only later.
	_opened=$(sed -nE 's/^[0-9]+ +([0-9.]+) open.*/\1/p' "$SCRATCH/trace" | sed -n 2p)
	_locked=$(sed -nE 's/^[0-9]+ +([0-9.]+) (fcntl.*F_SETLK,|<... fcntl resumed).*/\1/p' \
	    "$SCRATCH/trace" | tail -n 1)
	assertTrue "$_opened $(cat "$SCRATCH/renamed") $_locked" "awk 'BEGIN {
	    exit !($_opened < $(cat "$SCRATCH/renamed") && $(cat "$SCRATCH/renamed") < $_locked) }'"
	assertEquals 'messages in the new file' 2 "$(mailbox_messages joe)"
	grep -q '^read text$' "$MAIL/joe" || fail 'what the reader put there is gone'
	assertEquals 'messages in the old one' 1 "$(grep -c '^From ' /dev/fd/9)"
	exec 9<&-
	assertFalse 'a lock stays' "ls '$MAIL'/*.lock '$MAIL'/.lk* >/dev/null 2>&1"
}

test_a_message_goes_into_the_file_that_a_reader_put_there_before_the_lock() {
	need strace || return 0
	replace_at fcntl "$(lock_among_fcntls)"
}

# The file that is open has no link then, which is not one too many.
test_a_message_goes_into_the_file_that_a_reader_put_there_when_the_old_one_was_just_opened() {
	replace_at fstat,newfstatat 2
}

# Killed deliveries may leave them: .lk, process number, time, host.
test_temporary_lock_files_that_were_left_behind_do_no_harm() {
	make_mailbox joe
	# The names that the deliverer, a child of this process, would take in these seconds.
	cat >"$SCRATCH/leave" <<-'EOF'
	import os, sys, time
	for child in range(os.getpid() + 1, os.getpid() + 301):
	    for later in range(3):
	        digit = '%x' % (int(time.time() + later) & 15)
	        name = '.lk%05d%s%s' % (child, digit, os.uname().nodename.split('.')[0])
	        open(os.path.join(os.environ['MAIL'], name), 'w').close()
	os.execv(sys.argv[1], sys.argv[1:])
	EOF
	WRAP="python3 -S $SCRATCH/leave"
	send_to '250 2.6.0 *' joe -- -o lock-timeout=15s
	WRAP=''
	# More than a second shows that the names were right.
	assert_delay 1000 6000
	assertEquals 'messages' 2 "$(mailbox_messages joe)"
	assertEquals 'left' 900 "$(find "$MAIL" -name '.lk*' | wc -l)"
	send_to '250 2.6.0 *' joe
}

# shellcheck disable=SC1091
. shunit2

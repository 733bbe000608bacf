#!/bin/sh
# SPDX-License-Identifier: ISC
# The layers of confinement: each is broken on purpose from inside, and refuses.
#
# tests/probe/probe.c is linked into the program and tries one thing behind the point where a
# process is confined.  There are two such programs: one as it is, and a loose one without seccomp,
# in which the other layers have to refuse by themselves.  Each attempt is also made unconfined,
# where it must succeed, or the test would show nothing.
# shellcheck disable=SC2119 # talk needs no arguments
# shellcheck source=tests/lib.sh
. "${0%/*}/lib.sh"

TREE=$TESTS/..
TIGHT=$SCRATCH/tight LOOSE=$SCRATCH/loose

oneTimeSetUp() {
	command -v cc >/dev/null || return 0
	for _out in "$TIGHT" "$LOOSE"; do
		_loose=
		[ "$_out" = "$TIGHT" ] || _loose=-DCONFINE_WITHOUT_SECCOMP
		# shellcheck disable=SC2086 # may be nothing
		cc -std=c11 -D_GNU_SOURCE -w -O1 $_loose -I"$TREE" -Wl,--wrap=confine_session \
		    -Wl,--wrap=confine_deliverer -o "$_out" "$TREE"/*.c "$TESTS/probe/probe.c" \
		    -llockfile || return
		chmod 755 "$_out"
	done
}

# attempt PROGRAM PROCESS:ATTEMPT: prints what came of it, in the session a signal's name too.
attempt() {
	touch "$SCRATCH/elsewhere" "$MAIL/joe"
	rm -f "$SCRATCH/elsewhere"
	# shellcheck disable=SC2086 # many words
	env PROBE="$2" SOMEBODY=$$ ELSEWHERE="$SCRATCH/elsewhere" MAILBOX="$MAIL/probed" \
	    $WRAP "$1" $USUAL </dev/null 2>&1 >/dev/null | cat >"$SCRATCH/said"
	rm -f "$SCRATCH/elsewhere" "$MAIL/probed"
	grep "^${2#*:}: " "$SCRATCH/said" || echo nothing
}

# refused PROGRAM PROCESS ATTEMPT WHAT...: any of these; unconfined it is done.
refused() {
	_program=$1 _process=$2 _try=$3
	shift 3
	_got=$(attempt "$_program" "$_process:$_try")
	for _what; do
		[ "$_got" != "$_what" ] && [ "$_got" != "$_try: $_what" ] || _what=fine
		[ "$_what" != fine ] || break
	done
	[ "$_what" = fine ] || fail "$_process may $_try: $_got"
	UNCONFINED=1
	export UNCONFINED
	assertEquals "unconfined, $_process" "$_try: done" "$(attempt "$_program" "$_process:$_try")"
	unset UNCONFINED
}

# The other layers, each by itself.
landlock() {
	"$BIN" -t 2>/dev/null | sed -n 's/^# Landlock: version //p'
}

ready() {
	need cc || return 1
	[ -x "$LOOSE" ] || { fail 'the probes do not build'; return 1; }
	[ -n "$(landlock)" ] || { skip 'this kernel has no Landlock'; return 1; }
}

test_a_session_that_calls_anything_else_is_killed() {
	ready || return 0
	for _try in open create connect socket descriptor fork root exec signal memory; do
		assertEquals "$_try" nothing "$(attempt "$TIGHT" session:$_try)"
	done
	# It is the signal that ends it.
	# shellcheck disable=SC2086 # many words
	PROBE=session:open "$TIGHT" $USUAL </dev/null >/dev/null 2>&1
	assertEquals 'status' $((128 + 31)) $?
	UNCONFINED=1
	export UNCONFINED
	assertEquals 'descriptor: done' "$(attempt "$TIGHT" session:descriptor)"
	unset UNCONFINED
}

# As root the empty root directory refuses first, otherwise Landlock.
test_a_session_reaches_no_file_without_seccomp() {
	ready || return 0
	for _try in exec open create; do
		_got=$(attempt "$LOOSE" session:$_try)
		case $_got in
		"$_try: No such file or directory" | "$_try: Permission denied") ;;
		*) fail "$_try: $_got" ;;
		esac
	done
}

test_a_session_gets_no_new_descriptor() {
	ready || return 0
	refused "$LOOSE" session descriptor 'Too many open files'
	refused "$LOOSE" session socket 'Too many open files'
}

test_a_session_makes_no_process() {
	ready || return 0
	refused "$LOOSE" session fork 'Resource temporarily unavailable'
}

test_a_session_connects_to_nobody() {
	ready || return 0
	[ "$(landlock)" -ge 4 ] || { skip 'Landlock of this kernel leaves the network alone'; return 0; }
	refused "$LOOSE" session connect 'Permission denied'
}

test_a_session_signals_nobody_outside() {
	ready || return 0
	[ "$(landlock)" -ge 6 ] || { skip 'Landlock of this kernel leaves signals alone'; return 0; }
	assertEquals 'signal: Operation not permitted' "$(attempt "$LOOSE" session:signal)"
}

test_a_session_does_not_become_root_again() {
	ready || return 0
	assertEquals 'root: Operation not permitted' "$(attempt "$LOOSE" session:root)"
	assertNotEquals 'chroot: done' "$(attempt "$LOOSE" session:chroot)"
}

test_landlock_keeps_the_session_of_an_ordinary_user_from_files() {
	ready && need_root && need setpriv || return 0
	setpriv --reuid 20001 --regid 20001 --clear-groups test -x "$LOOSE" ||
		{ skip 'an ordinary user cannot reach the program'; return 0; }
	WRAP='setpriv --reuid 20001 --regid 20001 --clear-groups'
	# There is no empty root here: Landlock is all that refuses.
	assertEquals 'exec: Permission denied' "$(attempt "$LOOSE" session:exec)"
	refused "$LOOSE" session open 'Permission denied'
	WRAP=''
}

test_a_deliverer_reaches_mailboxes_and_no_other_file() {
	ready || return 0
	refused "$LOOSE" deliverer open 'Permission denied'
	refused "$LOOSE" deliverer create 'Permission denied'
	refused "$LOOSE" deliverer connect 'Permission denied'
	for _program in "$LOOSE" "$TIGHT"; do
		assertEquals 'mailbox: done' "$(attempt "$_program" deliverer:mailbox)"
	done
}

test_a_deliverer_runs_and_connects_and_traces_nothing() {
	ready || return 0
	for _try in exec fork socket ptrace; do
		assertEquals "$_try: Operation not permitted" "$(attempt "$TIGHT" deliverer:$_try)"
	done
	refused "$TIGHT" deliverer fork 'Operation not permitted'
	refused "$TIGHT" deliverer socket 'Operation not permitted'
}

test_a_deliverer_has_no_capability_but_to_take_ids() {
	ready && need_root || return 0
	refused "$LOOSE" deliverer chroot 'Operation not permitted'
	assertEquals 'mount: Operation not permitted' "$(attempt "$LOOSE" deliverer:mount)"
	# CAP_SETGID is 6 and CAP_SETUID 7.
	cat >"$SCRATCH/look" <<-'EOF'
	read -r deliverer <"/proc/$SERVER/task/$SERVER/children"
	grep -q '^CapPrm:	00000000000000c0$' "/proc/$deliverer/status"
	EOF
	talk <<-'EOF'
	S: 220 *
	RUN sh "$SCRATCH/look" || sleep 1 && sh "$SCRATCH/look"
	C: QUIT
	S: 221 *
	END
	EOF
}

# The session greets while the deliverer is getting ready.
test_both_processes_have_a_filter_and_no_new_privileges() {
	ready || return 0
	cat >"$SCRATCH/look" <<-'EOF'
	read -r deliverer <"/proc/$SERVER/task/$SERVER/children"
	for process in $SERVER $deliverer; do
	    grep -q '^Seccomp:	2$' "/proc/$process/status" || exit 1
	    grep -q '^NoNewPrivs:	1$' "/proc/$process/status" || exit 1
	done
	EOF
	# A build with sanitizers has no filter.
	_bin=$BIN BIN=$TIGHT
	talk <<-'EOF'
	S: 220 *
	RUN sh "$SCRATCH/look" || sleep 1 && sh "$SCRATCH/look"
	C: QUIT
	S: 221 *
	END
	EOF
	BIN=$_bin
}

# As on an old kernel: the calls are not there.
test_where_a_layer_is_missing_it_goes_on_and_says_so() {
	ready && need strace || return 0
	WRAP="strace -f -qq -o $SCRATCH/trace -e trace=landlock_create_ruleset
	    -e inject=landlock_create_ruleset:error=ENOSYS"
	talk <<-'EOF'
	S: 220 *
	C: QUIT
	S: 221 *
	END
	LOG *no Landlock for the session*
	LOG *no Landlock for the deliverer*
	EOF
	WRAP=''
}

test_t_prints_the_layers_of_this_host() {
	in_smtpd -t >"$SCRATCH/said" 2>/dev/null
	assertTrue 'Landlock' "grep -Eq '^# Landlock: (version [0-9]+|not here)$' '$SCRATCH/said'"
	assertTrue 'seccomp' "grep -Eq '^# seccomp: (yes|not here)$' '$SCRATCH/said'"
}

# shellcheck disable=SC1091
. shunit2

#!/bin/sh
# SPDX-License-Identifier: ISC
# A power cut right behind the 250: the message is on the disk, in every mailbox.
#
# The mail directory is an ext4 file system in a file.  The file is copied at the moment when the
# client has read its 250, and the copy is mounted: what the kernel had not been told to write is
# not in it, and the journal is replayed as after a cut.  The last three tests take the syncs out,
# by strace, and see the same check fail.
#
# The mounts are in a mount namespace of this process, so that they go where it goes.
# shellcheck disable=SC2119 # talk needs no arguments
if [ "$(id -u)" -eq 0 ] && [ -z "${POWER_CUT:-}" ] && unshare -m true 2>/dev/null; then
	POWER_CUT=yes exec unshare -m sh "$0" "$@"
fi
# shellcheck source=tests/lib.sh
. "${TESTS:-${0%/*}/..}/lib.sh"

DISK=$SCRATCH/disk COPY=$SCRATCH/copy AFTER=$SCRATCH/after

# ext4 writes its journal every five seconds of its own accord; no test shall be saved by that.
mount_image() {
	mount -t ext4 -o loop,commit=600 "$1" "$2"
}

can_mount() {
	need_root && need mkfs.ext4 || return 1
	[ -n "${POWER_CUT:-}" ] || { skip 'no mount namespace here'; return 1; }
	truncate -s 24M "$DISK"
	mkfs.ext4 -q -F "$DISK"
	mount_image "$DISK" "$MAIL" 2>/dev/null || { skip 'no loop mounts here'; return 1; }
	chown 0:8 "$MAIL"
	chmod 2775 "$MAIL"
}

setUp() {
	fresh_mail
	mkdir "$AFTER"
}

tearDown() {
	# It has no return status: nothing may be mounted.
	umount "$AFTER" 2>/dev/null
	umount "$MAIL" 2>/dev/null
	rm -rf "$AFTER" "$DISK" "$COPY"
}

# An old mailbox that reached the disk long ago.
make_old_mailbox() {
	printf 'From old@client.example Sun Jan  1 00:00:00 2023\nSubject: old\n\nold text\n\n' \
	    >"$MAIL/$1"
	[ -z "$ROOT" ] ||
		chown "$(awk -F: -v u="$1" '$1 == u { print $3 }' "$PASSWD"):8" "$MAIL/$1"
	chmod 600 "$MAIL/$1"
	sync -f "$MAIL"
}

# cut_the_power TEXT USER...: a message of this text for these users; then the disk as it would be
# found again is mounted at $AFTER, and what was really there is in $SCRATCH/said.
cut_the_power() {
	_text=$1
	shift
	{
		printf 'C: EHLO client.example\nC: MAIL FROM:<ann@client.example>\n'
		printf 'C: RCPT TO:<%s@mail.example>\n' "$@"
		printf 'C: DATA\nS: 220 *\nS+ 250?*\n'
		printf 'S: 250 *\n'
		for _user; do printf 'S: 250 *\n'; done
		printf 'S: 354 *\nC: Subject: power\nC:\nC: %s\nC: .\nS: 250 2.6.0 *\n' "$_text"
		printf 'RUN cp --sparse=always "%s" "%s"\n' "$DISK" "$COPY"
		printf 'C: QUIT\nS: 221 *\nEND\n'
	} >"$SCRATCH/dialogue"
	talk <"$SCRATCH/dialogue" || return 1
	for _user; do cp "$MAIL/$_user" "$SCRATCH/there-$_user"; done
	mount_image "$COPY" "$AFTER" || { fail 'the copy cannot be mounted'; return 1; }
}

assert_all_on_the_disk() {
	for _user; do
		cmp "$SCRATCH/there-$_user" "$AFTER/$_user" ||
			fail "what was promised to $_user is not on the disk"
		grep -q '^Subject: power$' "$AFTER/$_user" || fail "no message for $_user"
	done
}

without_sync() {
	need strace || return 1
	WRAP="strace -f -qq -o $SCRATCH/trace -e trace=fsync -e inject=fsync:retval=0$1"
}

test_a_message_in_a_new_mailbox_outlives_a_power_cut() {
	can_mount || return 0
	cut_the_power text joe || return
	assert_all_on_the_disk joe
}

test_a_message_in_an_old_mailbox_outlives_a_power_cut() {
	can_mount || return 0
	make_old_mailbox joe
	cut_the_power text joe || return
	assert_all_on_the_disk joe
	assertEquals 'old and new' 2 "$(grep -c '^From ' "$AFTER/joe")"
}

test_a_message_for_two_outlives_a_power_cut_in_both_mailboxes() {
	can_mount || return 0
	make_old_mailbox jane
	cut_the_power text joe jane || return
	assert_all_on_the_disk joe jane
}

test_a_message_of_a_megabyte_outlives_a_power_cut() {
	can_mount || return 0
	make_old_mailbox jane
	cut_the_power '\{16000:0123456789012345678901234567890123456789\r\nabcdefghijklmnopqrstuvwxyz}' \
	    joe jane || return
	assertTrue 'a megabyte' "[ $(wc -c <"$AFTER/joe") -gt 1000000 ]"
	assert_all_on_the_disk joe jane
}

# What shows that the four tests above can fail, each way that they look.
test_without_the_sync_a_power_cut_takes_a_new_mailbox_away() {
	can_mount && without_sync '' || return 0
	cut_the_power text joe
	WRAP=''
	grep -q '^Subject: power$' "$SCRATCH/there-joe" || fail 'it was not even delivered'
	assertFalse 'it is there all the same' "grep -q '^Subject: power' '$AFTER/joe' 2>/dev/null"
}

test_without_the_sync_a_power_cut_takes_the_message_from_an_old_mailbox() {
	can_mount && without_sync '' || return 0
	make_old_mailbox joe
	cp "$MAIL/joe" "$SCRATCH/old"
	cut_the_power text joe
	WRAP=''
	grep -q '^Subject: power$' "$SCRATCH/there-joe" || fail 'it was not even delivered'
	head -c "$(wc -c <"$SCRATCH/old")" "$AFTER/joe" | cmp - "$SCRATCH/old" ||
		fail 'the old message'
	assertFalse 'it is there all the same' "grep -q '^Subject: power' '$AFTER/joe'"
}

test_without_the_second_sync_a_power_cut_takes_the_message_from_the_second_mailbox() {
	can_mount && without_sync :when=2+ || return 0
	make_old_mailbox joe
	make_old_mailbox jane
	cut_the_power text joe jane
	WRAP=''
	assertEquals 'mailboxes that have it' 1 \
	    "$(grep -l '^Subject: power' "$AFTER/joe" "$AFTER/jane" | wc -l)"
}

# ext4 writes a new name with the first fsync of its file, so no cut here can show whether the
# directory was synced (other file systems and POSIX promise nothing).  What can be seen is that
# the sync is asked for, behind the file's own and before the 250, of the directory, and only where
# there is a new name.  (Leave `fsync(mailbox->directory)` out of sync_mailbox() to see it fail.)
test_the_directory_of_a_new_mailbox_is_synced_before_the_250_and_that_of_an_old_one_is_not() {
	need strace || return 0
	_syncs="strace -f -y -qq -s 400 -o $SCRATCH/trace -e trace=fsync,fdatasync,write,writev,sendto"
	for _expected in "fsync($MAIL/joe) fsync($MAIL) 250" "fsync($MAIL/joe) 250"; do
		WRAP=$_syncs
		talk <<-'EOF'
		S: 220 *
		C: HELO client.example
		C: MAIL FROM:<ann@client.example>
		C: RCPT TO:<joe@mail.example>
		C: DATA
		S: 250 *
		S: 250 *
		S: 250 *
		S: 354 *
		C: Subject: x
		C: .
		S: 250 2.6.0 *
		EOF
		WRAP=''
		assertEquals "$_expected" "$(sed -nE \
		    -e 's/^[0-9]+ +(f(data)?sync\()[0-9]+<(.*)>\) += 0$/\1\3)/p' \
		    -e 's/.*[" n](250) 2\.6\..*/\1/p' "$SCRATCH/trace" | tr '\n' ' ' | sed 's/ $//')"
	done
}

# The name is as new as before when the mailbox was made in an earlier try, for which another
# mailbox was busy.
test_the_directory_of_a_new_mailbox_is_synced_as_well_when_the_first_try_found_a_lock() {
	need strace || return 0
	make_old_mailbox jane
	echo $$ >"$MAIL/jane.lock"
	WRAP="strace -f -y -qq -o $SCRATCH/trace -e trace=fsync"
	talk <<-'EOF'
	S: 220 *
	C: HELO client.example
	C: MAIL FROM:<ann@client.example>
	C: RCPT TO:<joe@mail.example>
	C: RCPT TO:<jane@mail.example>
	C: DATA
	S: 250 *
	S: 250 *
	S: 250 *
	S: 250 *
	S: 354 *
	RUN (sleep 1; rm "$MAIL/jane.lock") &
	C: Subject: x
	C: .
	S: 250 2.6.0 *
	EOF
	WRAP=''
	grep -Eq "fsync\([0-9]+<$MAIL>\) += 0" "$SCRATCH/trace" || fail 'the directory is not synced'
}

# shellcheck disable=SC1091
. shunit2

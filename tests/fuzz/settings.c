/* SPDX-License-Identifier: ISC */
/*
 * sources: parse.c log.c date.c
 * broken: settings.c s/number < row->least || number > row->most/number < row->least/
 * broken: settings.c s/text\[0\] == '.0' ? "none" : text/text/
 */
/*
 * The settings: the input is the file, and each of its lines an -o as well.
 * What is printed of good settings can be read again, and prints the same.
 */
#include "../../settings.c"

#include <sys/mman.h>

#include <stdlib.h>

#define LONGEST	8192

int	LLVMFuzzerTestOneInput(const uint8_t *octets, size_t size);

static int	file, printed;

static void
need(bool holds)
{
	if (!holds)
		abort();
}

static const char *
load(const void *text, size_t size, char *const *options, size_t count)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	need(ftruncate(file, 0) == 0);
	need(pwrite(file, text, size, 0) == (ssize_t)size);
	error_text[0] = '\0';
	return (load_settings(path, options, count));
}

static size_t
show(char text[LONGEST])
{
	ssize_t n;

	need(ftruncate(printed, 0) == 0 && lseek(printed, 0, SEEK_SET) == 0);
	print_settings(printed);
	n = pread(printed, text, LONGEST, 0);
	need(n > 0);
	return ((size_t)n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *octets, size_t size)
{
	static char first[LONGEST], second[LONGEST];
	char option[LONGEST], *options[] = { option };
	size_t length;

	if (size >= LONGEST / 2)
		return (0);
	if (file == 0) {
		file = memfd_create("settings", 0);
		printed = memfd_create("printed", 0);
	}
	memcpy(option, octets, size);
	option[size] = '\0';
	(void)load("", 0, options, 1);
	if (load(octets, size, NULL, 0) != NULL)
		return (0);
	need(settings.recipient_limit <= MOST_RECIPIENTS);
	need(settings.hostname[0] != '\0' && settings.mailbox[0] != '\0');
	length = show(first);
	need(load(first, length, NULL, 0) == NULL);
	need(show(second) == length && memcmp(first, second, length) == 0);
	return (0);
}

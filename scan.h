/* SPDX-License-Identifier: ISC */
/*
 * Where is the next octet of a kind?  By memchr(3) and memcpy(3), or where
 * the C library's are slow with lines (musl's), by sixteen octets at a time.
 */
#ifndef SCAN_H
#define SCAN_H

#include <stddef.h>
#include <string.h>

/*
 *	find_octet(at, octet, n)	the first of that kind in the N octets
 *					at AT, or NULL
 *	copy_to_line_end(out, at, n)	copies what is before the first CR or LF
 *					in the N octets at AT, or all, to OUT,
 *					and returns how many octets that is; of
 *					the N octets at OUT others may be written
 */
#if defined(__SSE2__) && !defined(__GLIBC__)
#include <emmintrin.h>

static inline const char *
find_octet(const char *at, char octet, size_t n)
{
	const __m128i wanted = _mm_set1_epi8(octet);
	const char *end = at + n;
	int found;

	for (; end - at >= 16; at += 16) {
		found = _mm_movemask_epi8(_mm_cmpeq_epi8(wanted,
		    _mm_loadu_si128((const void *)at)));
		if (found != 0)
			return (at + __builtin_ctz((unsigned int)found));
	}
	return (memchr(at, octet, (size_t)(end - at)));
}

static inline size_t
copy_to_line_end(char *out, const char *at, size_t n)
{
	const __m128i cr = _mm_set1_epi8('\r'), lf = _mm_set1_epi8('\n');
	__m128i here;
	size_t i;
	int found;

	for (i = 0; n - i >= 16; i += 16) {
		here = _mm_loadu_si128((const void *)(at + i));
		_mm_storeu_si128((void *)(out + i), here);
		found = _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(here, cr),
		    _mm_cmpeq_epi8(here, lf)));
		if (found != 0)
			return (i + (size_t)__builtin_ctz((unsigned int)found));
	}
	for (; i < n && at[i] != '\r' && at[i] != '\n'; i++)
		out[i] = at[i];
	return (i);
}

#else

static inline const char *
find_octet(const char *at, char octet, size_t n)
{
	return (memchr(at, octet, n));
}

static inline size_t
copy_to_line_end(char *out, const char *at, size_t n)
{
	const char *lf = memchr(at, '\n', n), *cr;
	size_t length = lf != NULL ? (size_t)(lf - at) : n;

	cr = memchr(at, '\r', length);
	if (cr != NULL)
		length = (size_t)(cr - at);
	memcpy(out, at, length);
	return (length);
}

#endif

#endif

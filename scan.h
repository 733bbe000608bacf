/* SPDX-License-Identifier: ISC */
/*
 * Where is the next octet of a kind?  By memchr(3), or where the C library's
 * goes eight octets at a time (musl's), sixteen at a time.  Each returns NULL
 * where none of the N octets at AT is one.
 */
#ifndef SCAN_H
#define SCAN_H

#include <stddef.h>
#include <string.h>

#if defined(__SSE2__) && !defined(__GLIBC__)
#include <emmintrin.h>

/* The first of either kind. */
static inline const char *
find_either(const char *at, char one, char other, size_t n)
{
	const __m128i ones = _mm_set1_epi8(one), others = _mm_set1_epi8(other);
	const char *end = at + n;
	__m128i here;
	int found;

	for (; end - at >= 16; at += 16) {
		here = _mm_loadu_si128((const void *)at);
		found = _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(here,
							   ones),
		    _mm_cmpeq_epi8(here, others)));
		if (found != 0)
			return (at + __builtin_ctz((unsigned int)found));
	}
	for (; at < end; at++)
		if (*at == one || *at == other)
			return (at);
	return (NULL);
}

static inline const char *
find_octet(const char *at, char octet, size_t n)
{
	return (find_either(at, octet, octet, n));
}

static inline const char *
find_cr_or_lf(const char *at, size_t n)
{
	return (find_either(at, '\r', '\n', n));
}

#else

static inline const char *
find_octet(const char *at, char octet, size_t n)
{
	return (memchr(at, octet, n));
}

static inline const char *
find_cr_or_lf(const char *at, size_t n)
{
	const char *lf = memchr(at, '\n', n);
	const char *cr = memchr(at, '\r', lf != NULL ? (size_t)(lf - at) : n);

	return (cr != NULL ? cr : lf);
}

#endif

#endif

/* SPDX-License-Identifier: ISC */
/*
 * Where is the next octet of a kind, or a text?  By sixteen octets at a time
 * where every processor of the kind can do that, else by memchr(3), memcpy(3)
 * and memmem(3).  (musl's are slow, and glibc's want to know the processor.)
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
 *	find_text(at, n, text, length)	the first TEXT, of LENGTH octets, three or
 *					more, in the N octets at AT, or NULL
 */
#ifdef __SSE2__
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

/* Which of the sixteen octets at AT begin what LAST has three of? */
static inline __m128i
compare_ends(const char *at, const __m128i last[3])
{
	const __m128i *one = (const void *)at, *two = (const void *)(at + 1),
		      *three = (const void *)(at + 2);

	return (_mm_and_si128(_mm_cmpeq_epi8(last[0], _mm_loadu_si128(one)),
	    _mm_and_si128(_mm_cmpeq_epi8(last[1], _mm_loadu_si128(two)),
	    _mm_cmpeq_epi8(last[2], _mm_loadu_si128(three)))));
}

/* On to 64 octets that have such a one, or to fewer than 66 before END. */
static inline const char *
skip_to_ends(const char *at, const char *end, const __m128i last[3])
{
	__m128i here;

	for (; end - at >= 66; at += 64) {
		here = _mm_or_si128(_mm_or_si128(compare_ends(at, last),
				       compare_ends(at + 16, last)),
		    _mm_or_si128(compare_ends(at + 32, last),
		    compare_ends(at + 48, last)));
		if (_mm_movemask_epi8(here) != 0)
			break;
	}
	return (at);
}

/* The end of a text tells more than its start, which many may have. */
static inline const char *
find_text(const char *at, size_t n, const char *text, size_t length)
{
	const char *const end = at + n;
	const __m128i last[3] = { _mm_set1_epi8(text[length - 3]),
		_mm_set1_epi8(text[length - 2]),
		_mm_set1_epi8(text[length - 1]) };
	size_t before = length - 3, i;
	const char *start;
	int found;

	if (n < length)
		return (NULL);
	for (at += before;; at += 64) {
		at = skip_to_ends(at, end, last);
		if (end - at < 66)
			return (memmem(at - before, (size_t)(end - at) + before,
			    text, length));
		for (i = 0; i < 64; i += 16) {
			found = _mm_movemask_epi8(compare_ends(at + i, last));
			for (; found != 0; found &= found - 1) {
				start = at - before + i +
				    __builtin_ctz((unsigned int)found);
				if (memcmp(start, text, length) == 0)
					return (start);
			}
		}
	}
}

#else

static inline const char *
find_text(const char *at, size_t n, const char *text, size_t length)
{
	return (memmem(at, n, text, length));
}

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

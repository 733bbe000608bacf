/* SPDX-License-Identifier: ISC */
/*
 * Which pages does a session touch?  Each costs a fault, in processes that
 * may live for a millisecond.  What is large begins on a page of its own,
 * and is touched as far as it is used; so that the linker, which puts what
 * is aligned most first, has all that is small together on few.
 */
#ifndef PAGES_H
#define PAGES_H

#define LARGE	_Alignas(4096)

#endif

/* SPDX-License-Identifier: ISC */
/*
 * Which pages does a session touch?  Each costs a fault, in processes that
 * may live for a millisecond, and its memory where they wait.  So the linker
 * has what is small and always used together, and behind that what is large,
 * of which as much is touched as is used, and what few sessions need
 * (--sort-section=name; without that it stands where it falls).
 */
#ifndef PAGES_H
#define PAGES_H

#define LARGE		__attribute__((section(".bss.zz")))
#define LARGE_TAIL	__attribute__((section(".bss.zy")))

#endif

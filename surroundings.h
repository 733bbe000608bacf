/* SPDX-License-Identifier: ISC */
/*
 * Would it work here?  What -t finds on this host that stands against the
 * settings, each with what mends it.
 */
#ifndef SURROUNDINGS_H
#define SURROUNDINGS_H

#include <stdbool.h>

/* Write one line for each trouble to FD; true if there is none. */
bool	check_surroundings(int fd);

#endif

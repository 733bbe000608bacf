/* SPDX-License-Identifier: ISC */
/*
 * Would it work here?  What -t finds on this host that stands against the
 * settings, each with what mends it.
 */
#ifndef SURROUNDINGS_H
#define SURROUNDINGS_H

#include <stdbool.h>

/*
 * Write what there is here to confine the two processes with to FD, as
 * comments of a settings file.
 */
void	print_layers(int fd);

/* Write one line for each trouble to FD; true if there is none. */
bool	check_surroundings(int fd);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * options: -wp-fct transform -wp-split
 * broken: transform data.c s/while (at < n .. !t->done)/while (at <= n \&\& !t->done)/
 * broken: transform data.c s/if (taken == 0 .. !t->after_quotes)/if (taken == 0)/
 */
/*
 * transform() itself, with the contracts of wp_data.c: its goals are proved
 * for each way through it (-wp-split), as those of the others need not be.
 */
#include "wp_data.c"

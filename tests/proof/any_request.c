/* SPDX-License-Identifier: ISC */
/*
 * options: -eva-slevel 200 -eva-split-return full -eva-partition-history 1 -eva-interprocedural-history
 * broken: request.c s/i < envelope->count/i <= envelope->count/
 * broken: request.c s/envelope->count < 1 || envelope->count > MOST_RECIPIENTS ||//
 */
/* Any record, of any size: what the deliverer checks before all else. */
#include "request.c"

#include <__fc_builtin.h>

struct settings settings;
static struct request request;

/* Whatever the spool says to it. */
bool
is_in_spool(uint64_t kept, uint64_t length)
{
	(void)kept;
	(void)length;
	return (Frama_C_interval(0, 1));
}

int
main(void)
{
	size_t size = Frama_C_unsigned_long_interval(0, sizeof(request));

	settings.terminals = Frama_C_unsigned_long_interval(0, 1);
	Frama_C_make_unknown((char *)&request, sizeof(request));
	if (!is_good_request(&request, size))
		return (0);
	/*@ assert CHECK <= request.kind <= DELIVER; */
	/*@ assert request.destination <= TO_BOTH; */
	/*@ assert request.length <= MOST_OCTETS; */
	if (request.kind == DELIVER && size > CHECK_SIZE) {
		/*@ assert 1 <= request.envelope.count <= MOST_RECIPIENTS; */
	}
	return (0);
}

/* SPDX-License-Identifier: ISC */
#include "request.h"

#include "spool.h"

#include <string.h>

static bool
is_string(const char *text, size_t size)
{
	return (memchr(text, '\0', size) != NULL);
}

bool
is_good_request(const struct request *request, size_t size)
{
	const struct envelope *envelope = &request->envelope;
	uint32_t i;

	if (size < CHECK_SIZE || request->length > MOST_OCTETS ||
	    request->destination > (settings.terminals ? TO_BOTH : TO_MAILBOX))
		return (false);
	if (size == CHECK_SIZE && request->kind == CHECK)
		return (true);
	if (size == CHECK_SIZE && request->kind == KEEP)
		return (is_in_spool(request->kept, request->kept));
	if (size < DELIVER_SIZE(1) || request->kind != DELIVER ||
	    envelope->count < 1 || envelope->count > MOST_RECIPIENTS ||
	    size != DELIVER_SIZE(envelope->count) ||
	    !is_in_spool(request->kept, request->length) ||
	    !is_string(envelope->id, ID_SIZE) ||
	    !is_string(envelope->reverse_path, PATH_LIMIT + 1))
		return (false);
	for (i = 0; i < envelope->count; i++)
		if (!is_string(envelope->recipients[i].detail,
		    LOCAL_PART_LIMIT + 1))
			return (false);
	return (true);
}

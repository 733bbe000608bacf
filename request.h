/* SPDX-License-Identifier: ISC */
/*
 * What the session may ask of the deliverer: requests of fixed form, one
 * record each.  Nothing that the session says is believed before
 * is_good_request() has seen the record.
 */
#ifndef REQUEST_H
#define REQUEST_H

#include "deliver.h"
#include "settings.h"

/* The longest id of a message, with its NUL. */
#define ID_SIZE		32

/* A recipient, as the session names him: a place in the passwd map. */
struct recipient_request {
	uint32_t	place;
	char		detail[LOCAL_PART_LIMIT + 1];
};

struct envelope {
	uint32_t	count;
	char		id[ID_SIZE];
	char		reverse_path[PATH_LIMIT + 1];	/* "" for <> */
	struct recipient_request recipients[MOST_RECIPIENTS];
};

enum request_kind { CHECK = 1, KEEP, DELIVER };

/* One record each way; a record of another size ends the deliverer. */
struct request {
	uint32_t	kind;
	uint32_t	destination;
	uint32_t	place;		/* of CHECK */
	uint64_t	length;		/* of CHECK and DELIVER */
	uint64_t	kept;		/* of KEEP and DELIVER: in the file */
	struct envelope	envelope;	/* of DELIVER, up to its last recipient */
};

/* No sum with it overflows. */
#define MOST_OCTETS	((uint64_t)1 << 61)

#define CHECK_SIZE	offsetof(struct request, envelope)
#define DELIVER_SIZE(count)                              \
	(offsetof(struct request, envelope.recipients) + \
	    (count) * sizeof(struct recipient_request))

/*
 * Is the record, of which SIZE octets came, one that a session in order
 * would send?  Its strings then end, and its count is that of its
 * recipients.  What lies behind SIZE is not looked at.
 */
bool	is_good_request(const struct request *request, size_t size);

#endif

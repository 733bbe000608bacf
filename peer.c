/* SPDX-License-Identifier: ISC */
#include "peer.h"

#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char client_literal[ADDRESS_LITERAL_LIMIT + 8];

static struct address our_address;

typedef int address_getter(int, struct sockaddr *restrict, socklen_t *restrict);

/* IPv4 inside IPv6 is IPv4. */
static void
take_address(const struct sockaddr_storage *name, struct address *address)
{
	const struct sockaddr_in *in = (const void *)name;
	const struct sockaddr_in6 *in6 = (const void *)name;

	if (name->ss_family == AF_INET) {
		address->family = 4;
		memcpy(address->octets, &in->sin_addr, 4);
	} else if (name->ss_family == AF_INET6 &&
	    IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
		address->family = 4;
		memcpy(address->octets, in6->sin6_addr.s6_addr + 12, 4);
	} else if (name->ss_family == AF_INET6) {
		address->family = 6;
		memcpy(address->octets, &in6->sin6_addr, 16);
	}
}

/*
 * tcpserver says TCP*IP; systemd and xinetd have each a name of their own.
 * False if descriptor 0 is no socket.
 */
static bool
find_address(address_getter *get, const char *const *variables,
    struct address *address)
{
	struct sockaddr_storage name = { .ss_family = AF_UNSPEC };
	socklen_t length = sizeof(name);
	const char *text;
	bool is_socket;

	memset(address, 0, sizeof(*address));
	is_socket = get(STDIN_FILENO, (struct sockaddr *)&name, &length) == 0;
	if (is_socket)
		take_address(&name, address);
	for (; address->family == 0 && *variables != NULL; variables++) {
		text = getenv(*variables);
		if (text == NULL)
			continue;
		if (inet_pton(AF_INET, text, address->octets) == 1)
			address->family = 4;
		else if (inet_pton(AF_INET6, text, address->octets) == 1)
			address->family = 6;
	}
	return (is_socket);
}

bool
find_peer(void)
{
	static const char *const remote[] = { "TCPREMOTEIP", "REMOTE_ADDR",
	    "REMOTE_HOST", NULL };
	static const char *const local[] = { "TCPLOCALIP", NULL };
	char text[INET6_ADDRSTRLEN];
	struct address client;
	bool is_socket;

	(void)find_address(getpeername, remote, &client);
	is_socket = find_address(getsockname, local, &our_address);
	if (client.family != 0 &&
	    inet_ntop(client.family == 4 ? AF_INET : AF_INET6, client.octets,
		text, sizeof(text)) != NULL)
		snprintf(client_literal, sizeof(client_literal), "[%s%s]",
		    client.family == 4 ? "" : "IPv6:", text);
	return (is_socket);
}

bool
is_our_address(const struct address *literal)
{
	return (our_address.family != 0 &&
	    memcmp(literal, &our_address, sizeof(our_address)) == 0);
}

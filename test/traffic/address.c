// SPDX-License-Identifier: Apache-2.0
#include "test/traffic/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>

#include "test/traffic/fail.h"

int address_connect(const char *host, long port, int type)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr *to = (struct sockaddr *)&v4;
	socklen_t size = sizeof(v4);
	int fd;

	if (!host)
		misuse("--to is missing");
	if (inet_pton(AF_INET, host, &v4.sin_addr) != 1) {
		if (inet_pton(AF_INET6, host, &v6.sin6_addr) != 1)
			misuse("--to is \"%s\": an IPv4 or IPv6 address is allowed", host);
		to = (struct sockaddr *)&v6;
		size = sizeof(v6);
	}
	fd = socket(to->sa_family, type | SOCK_CLOEXEC, 0);
	if (fd < 0)
		fail("Opening a socket");
	if (connect(fd, to, size) < 0)
		fail("Connecting to \"%s\" port %ld", host, port);
	return fd;
}

int address_bind(long port, int type)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0);
	int yes = 1;

	if (fd < 0)
		fail("Opening a socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0)
		fail("Binding port %ld", port);
	if (type == SOCK_STREAM && listen(fd, 64) < 0)
		fail("Listening on port %ld", port);
	return fd;
}

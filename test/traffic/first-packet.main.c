// SPDX-License-Identifier: Apache-2.0
// first-packet [--port N] [--ms N]
// Reads addresses from standard input, a line each. To each it sends one datagram at once and
// prints how long the answer took, in microseconds with neighbour discovery, or "lost" after --ms.
// `pingpong echo` answers.
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/traffic/address.h"
#include "test/traffic/clock.h"
#include "test/traffic/fail.h"
#include "test/traffic/options.h"

static long port = 7, milliseconds = 1000;
static const struct option_spec specs[] = {
    {.name = "port", .number = &port, .min = 1, .max = 65535},
    {.name = "ms", .number = &milliseconds, .min = 1, .max = 60000},
    {0},
};

static void ask(const char *address)
{
	char payload[64] = "first";
	uint64_t start = clock_ns();
	int fd = address_connect(address, port, SOCK_DGRAM);
	struct pollfd answer = {.fd = fd, .events = POLLIN};

	if (send(fd, payload, sizeof(payload), 0) < 0)
		printf("unsent %s\n", strerror(errno));
	else if (poll(&answer, 1, milliseconds) == 1 && recv(fd, payload, sizeof(payload), 0) >= 0)
		printf("%" PRIu64 "\n", (clock_ns() - start) / 1000);
	else
		puts("lost");
	fflush(stdout);
	close(fd);
}

int main(int argc, char **argv)
{
	char line[256];

	if (options_read(argc, argv, specs) != 0)
		misuse("Addresses come by standard input");
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = 0;
		ask(line);
	}
	return 0;
}

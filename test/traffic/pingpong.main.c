// SPDX-License-Identifier: Apache-2.0
// pingpong echo [--port N] [--seconds N] [--cpu N]
// pingpong ask --to ADDRESS [--port N] [--count N] [--size BYTES] [--ms N] [--cpu N]
// One datagram to and fro at a time. The asker prints
// {"count","lost","min","p50","p90","p99","max"}, round trips in microseconds; an answer that takes
// longer than 100 ms counts as lost.
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "test/traffic/address.h"
#include "test/traffic/clock.h"
#include "test/traffic/cpu.h"
#include "test/traffic/fail.h"
#include "test/traffic/histogram.h"
#include "test/traffic/options.h"
#include "test/traffic/stop.h"

static long port = 7, count = 1000000, size = 18, milliseconds = 1000, seconds = 60, cpu = -1;
static const char *to;
static const struct option_spec specs[] = {
    {.name = "to", .text = &to},
    {.name = "port", .number = &port, .min = 1, .max = 65535},
    {.name = "count", .number = &count, .min = 1, .max = 10000000},
    {.name = "size", .number = &size, .min = 8, .max = 1400},
    {.name = "ms", .number = &milliseconds, .min = 1, .max = 600000},
    {.name = "seconds", .number = &seconds, .min = 1, .max = 3600},
    {.name = "cpu", .number = &cpu, .min = -1, .max = 1023},
    {0},
};

static void echo(void)
{
	struct sockaddr_storage from;
	char payload[2048];
	int fd = address_bind(port, SOCK_DGRAM);

	stop_after(seconds);
	stop_wakes(fd);
	puts("ready");
	fflush(stdout);
	while (!stopped) {
		socklen_t size = sizeof(from);
		ssize_t n =
		    recvfrom(fd, payload, sizeof(payload), 0, (struct sockaddr *)&from, &size);

		if (n >= 0)
			sendto(fd, payload, n, 0, (struct sockaddr *)&from, size);
		else if (errno != EAGAIN && errno != EINTR)
			fail("Receiving on port %ld", port);
	}
}

/* Waits for the answer to question `number`; later answers to earlier questions are passed over. */
static int answered(int fd, uint64_t number)
{
	char payload[2048];

	for (;;) {
		ssize_t n = recv(fd, payload, sizeof(payload), 0);

		if (n >= (ssize_t)sizeof(number) && !memcmp(payload, &number, sizeof(number)))
			return 1;
		if (n < 0 && errno != ECONNREFUSED)
			return 0;
	}
}

static void ask(void)
{
	struct histogram *h = calloc(1, sizeof(*h));
	char payload[2048] = {0};
	uint64_t lost = 0, end;
	int fd = address_connect(to, port, SOCK_DGRAM);

	if (!h)
		fail("Allocating the histogram");
	stop_after(milliseconds / 1000 + 5);
	stop_wakes(fd);
	end = clock_ns() + milliseconds * (NS_PER_SECOND / 1000);
	for (uint64_t i = 0; i < (uint64_t)count && !stopped && clock_ns() < end; i++) {
		uint64_t start = clock_ns();

		memcpy(payload, &i, sizeof(i));
		if (send(fd, payload, size, 0) >= 0 && answered(fd, i))
			histogram_add(h, clock_ns() - start);
		else
			lost++;
	}
	printf("{\"count\":%" PRIu64 ",\"lost\":%" PRIu64
	       ",\"min\":%.3f,\"p50\":%.3f,\"p90\":%.3f,\"p99\":%.3f,\"max\":%.3f}\n",
	       h->count, lost, h->min / 1e3, histogram_quantile(h, 0.5) / 1e3,
	       histogram_quantile(h, 0.9) / 1e3, histogram_quantile(h, 0.99) / 1e3, h->max / 1e3);
	free(h);
}

int main(int argc, char **argv)
{
	if (options_read(argc, argv, specs) != 1)
		misuse("Say \"echo\" or \"ask\"");
	cpu_pin(cpu);
	if (!strcmp(argv[1], "echo"))
		echo();
	else if (!strcmp(argv[1], "ask"))
		ask();
	else
		misuse("Unknown role \"%s\": \"echo\" or \"ask\" is allowed", argv[1]);
	return 0;
}

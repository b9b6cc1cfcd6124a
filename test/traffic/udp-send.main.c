// SPDX-License-Identifier: Apache-2.0
// udp-send --to ADDRESS [--port N] [--size BYTES] [--segment BYTES] [--batch N] [--ms N] [--cpu N]
// Sends equal datagrams from one connected socket as fast as it can, then prints
// {"sent","errors","seconds","cpu"}. With --segment each is cut into datagrams of that size, as
// late as possible (UDP_SEGMENT), and counts once. What was sent says nothing: ask the sink what
// was delivered.
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "test/traffic/address.h"
#include "test/traffic/clock.h"
#include "test/traffic/cpu.h"
#include "test/traffic/fail.h"
#include "test/traffic/options.h"
#include "test/traffic/stop.h"

#define MAX_BATCH 1024

static long port = 9, size = 18, segment = 0, batch = 64, milliseconds = 1000, cpu = -1;
static const char *to;
static const struct option_spec specs[] = {
    {.name = "to", .text = &to},
    {.name = "port", .number = &port, .min = 1, .max = 65535},
    {.name = "size", .number = &size, .min = 0, .max = 65507},
    {.name = "segment", .number = &segment, .min = 0, .max = 65507},
    {.name = "batch", .number = &batch, .min = 1, .max = MAX_BATCH},
    {.name = "ms", .number = &milliseconds, .min = 1, .max = 600000},
    {.name = "cpu", .number = &cpu, .min = -1, .max = 1023},
    {0},
};

int main(int argc, char **argv)
{
	static struct mmsghdr messages[MAX_BATCH];
	static char payload[65536];
	struct iovec data = {.iov_base = payload};
	uint64_t sent = 0, errors = 0, start, end;
	double cpu_start;
	int fd;

	if (options_read(argc, argv, specs))
		misuse("Unexpected argument \"%s\"", argv[1]);
	cpu_pin(cpu);
	fd = address_connect(to, port, SOCK_DGRAM);
	if (segment > 0) {
		int bytes = segment;

		if (setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &bytes, sizeof(bytes)) < 0)
			fail("Setting UDP_SEGMENT to %ld", segment);
	}
	data.iov_len = size;
	for (int i = 0; i < batch; i++)
		messages[i].msg_hdr = (struct msghdr){.msg_iov = &data, .msg_iovlen = 1};
	stop_after(milliseconds / 1000 + 5);
	cpu_start = cpu_seconds();
	start = clock_ns();
	end = start + milliseconds * (NS_PER_SECOND / 1000);
	while (!stopped && clock_ns() < end) {
		int n = sendmmsg(fd, messages, batch, 0);

		if (n > 0)
			sent += n;
		else if (errno == ECONNREFUSED || errno == ENOBUFS)
			errors++;
		else if (errno != EINTR)
			fail("Sending to \"%s\"", to);
	}
	printf("{\"sent\":%" PRIu64 ",\"errors\":%" PRIu64 ",\"seconds\":%.6f,\"cpu\":%.6f}\n",
	       sent, errors, (clock_ns() - start) / 1e9, cpu_seconds() - cpu_start);
	return 0;
}

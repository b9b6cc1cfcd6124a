// SPDX-License-Identifier: Apache-2.0
// many-send [--port N] [--size BYTES] [--ms N] [--cpu N] < LINES
// Each line "LEFT RIGHT ADDRESS" is a path between two network namespaces (files), ADDRESS being
// the right end's. Sends one datagram over each path in turn, again and again, so that nothing of
// the last packet's path helps the next one, then prints
// {"paths","sent","delivered","seconds","cpu"}. Nobody reads meanwhile: what is delivered costs the
// same, whether it is queued or counted as RcvbufErrors.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/traffic/address.h"
#include "test/traffic/clock.h"
#include "test/traffic/cpu.h"
#include "test/traffic/fail.h"
#include "test/traffic/options.h"
#include "test/traffic/snmp.h"
#include "test/traffic/stop.h"

#define MAX_PATHS 1024

static long port = 9, size = 18, milliseconds = 1000, cpu = -1;
static const struct option_spec specs[] = {
    {.name = "port", .number = &port, .min = 1, .max = 65535},
    {.name = "size", .number = &size, .min = 0, .max = 1400},
    {.name = "ms", .number = &milliseconds, .min = 1, .max = 600000},
    {.name = "cpu", .number = &cpu, .min = -1, .max = 1023},
    {0},
};

/* `in` is -1 where another path's socket takes this port in the same namespace. */
struct path {
	char left[128], right[128], address[64];
	int out, in;
	struct snmp_udp before;
};

static struct path paths[MAX_PATHS];
static int count;

static void enter(const char *netns)
{
	int fd = open(netns, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		fail("Opening \"%s\"", netns);
	if (setns(fd, CLONE_NEWNET) < 0)
		fail("Entering \"%s\"", netns);
	close(fd);
}

static int first_there(int index)
{
	for (int i = 0; i < index; i++)
		if (!strcmp(paths[i].right, paths[index].right))
			return 0;
	return 1;
}

static void open_paths(void)
{
	int small = 2048;

	while (count < MAX_PATHS && scanf("%127s %127s %63s", paths[count].left, paths[count].right,
					  paths[count].address) == 3)
		count++;
	if (!count || !feof(stdin))
		misuse("From 1 to %d lines \"LEFT RIGHT ADDRESS\" are allowed", MAX_PATHS);
	for (int i = 0; i < count; i++) {
		paths[i].in = -1;
		if (first_there(i)) {
			enter(paths[i].right);
			paths[i].in = address_bind(port, SOCK_DGRAM);
			setsockopt(paths[i].in, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
			paths[i].before = snmp_udp_read();
		}
		enter(paths[i].left);
		paths[i].out = address_connect(paths[i].address, port, SOCK_DGRAM);
	}
}

/* What is still queued is read first: only then does the kernel count it. */
static uint64_t delivered(void)
{
	uint64_t total = 0;
	char payload[2048];

	for (int i = 0; i < count; i++) {
		struct snmp_udp seen;

		if (paths[i].in < 0)
			continue;
		while (recv(paths[i].in, payload, sizeof(payload), MSG_DONTWAIT) >= 0)
			;
		enter(paths[i].right);
		seen = snmp_udp_since(paths[i].before);
		total += seen.in_datagrams + seen.rcvbuf_errors;
	}
	return total;
}

int main(int argc, char **argv)
{
	static char payload[1400];
	uint64_t sent = 0, start, end;
	double cpu_start, cpu_spent, took;

	if (options_read(argc, argv, specs))
		misuse("Unexpected argument \"%s\"", argv[1]);
	cpu_pin(cpu);
	open_paths();
	stop_after(milliseconds / 1000 + 5);
	cpu_start = cpu_seconds();
	start = clock_ns();
	end = start + milliseconds * (NS_PER_SECOND / 1000);
	while (!stopped && clock_ns() < end)
		for (int i = 0; i < count; i++)
			if (send(paths[i].out, payload, size, 0) >= 0)
				sent++;
			else if (errno != EINTR && errno != ENOBUFS && errno != ECONNREFUSED)
				fail("Sending to \"%s\"", paths[i].address);
	took = (clock_ns() - start) / 1e9;
	cpu_spent = cpu_seconds() - cpu_start;
	printf("{\"paths\":%d,\"sent\":%" PRIu64 ",\"delivered\":%" PRIu64
	       ",\"seconds\":%.6f,\"cpu\":%.6f}\n",
	       count, sent, delivered(), took, cpu_spent);
	return 0;
}

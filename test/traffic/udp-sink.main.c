// SPDX-License-Identifier: Apache-2.0
// udp-sink [--port N] [--seconds N] [--cpu N]
// Drains a port until SIGTERM. Prints "ready", and at the end
// {"received","delivered","rcvbufErrors","otherErrors","cpu"}: delivered is what reached UDP in
// this namespace (InDatagrams + RcvbufErrors), whether or not this reader kept up with it.
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/socket.h>

#include "test/traffic/address.h"
#include "test/traffic/cpu.h"
#include "test/traffic/fail.h"
#include "test/traffic/options.h"
#include "test/traffic/snmp.h"
#include "test/traffic/stop.h"

#define BATCH 64

static long port = 9, seconds = 60, cpu = -1;
static const struct option_spec specs[] = {
    {.name = "port", .number = &port, .min = 1, .max = 65535},
    {.name = "seconds", .number = &seconds, .min = 1, .max = 3600},
    {.name = "cpu", .number = &cpu, .min = -1, .max = 1023},
    {0},
};

static char payloads[BATCH][2048];

int main(int argc, char **argv)
{
	struct mmsghdr messages[BATCH];
	struct iovec data[BATCH];
	struct snmp_udp before, seen;
	uint64_t received = 0;
	int fd;

	if (options_read(argc, argv, specs))
		misuse("Unexpected argument \"%s\"", argv[1]);
	cpu_pin(cpu);
	fd = address_bind(port, SOCK_DGRAM);
	for (int i = 0; i < BATCH; i++) {
		data[i] = (struct iovec){payloads[i], sizeof(payloads[i])};
		messages[i].msg_hdr = (struct msghdr){.msg_iov = &data[i], .msg_iovlen = 1};
	}
	stop_after(seconds);
	stop_wakes(fd);
	before = snmp_udp_read();
	puts("ready");
	fflush(stdout);
	for (;;) {
		/* Once stopped, what is queued is still read, so that InDatagrams counts it. */
		int n =
		    recvmmsg(fd, messages, BATCH, stopped ? MSG_DONTWAIT : MSG_WAITFORONE, NULL);

		if (n > 0)
			received += n;
		else if (errno != EAGAIN && errno != EINTR)
			fail("Receiving on port %ld", port);
		else if (stopped && errno == EAGAIN)
			break;
	}
	seen = snmp_udp_since(before);
	printf("{\"received\":%" PRIu64 ",\"delivered\":%" PRIu64 ",\"rcvbufErrors\":%" PRIu64
	       ",\"otherErrors\":%" PRIu64 ",\"cpu\":%.6f}\n",
	       received, seen.in_datagrams + seen.rcvbuf_errors, seen.rcvbuf_errors,
	       seen.other_errors, cpu_seconds());
	return 0;
}

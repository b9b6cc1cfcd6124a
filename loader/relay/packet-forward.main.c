// SPDX-License-Identifier: Apache-2.0
// packet-forward LEFT RIGHT: moves every frame from one device to the other, both ways, until
// SIGTERM. Prints "ready", and at the end what it moved and lost as one line of JSON.
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "loader/relay/packet.h"

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

struct side {
	const char *device;
	struct packet_rx rx;
	struct packet_tx tx;
	/* What came in here and went out on the other side. */
	struct packet_counters counters;
};

static int side_open(struct side *side, const char *device)
{
	int error;

	side->device = device;
	error = packet_rx_open(&side->rx, device);
	if (!error) {
		error = packet_tx_open(&side->tx, device);
		if (error)
			packet_rx_close(&side->rx);
	}
	if (error)
		fprintf(stderr, "packet-forward: Opening device \"%s\": %s\n", device,
			strerrorname_np(-error));
	return error;
}

static void side_close(struct side *side)
{
	packet_tx_close(&side->tx);
	packet_rx_close(&side->rx);
}

static void side_print(const char *name, struct side *side)
{
	struct packet_counters *c = &side->counters;

	packet_count_losses(&side->rx, c);
	printf("\"%s\":{\"frames\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"ringFull\":%" PRIu64
	       ",\"truncated\":%" PRIu64 ",\"refused\":%" PRIu64 "}",
	       name, c->frames, c->bytes, c->ring_full, c->truncated, c->refused);
}

/* A device that went down raises ENETDOWN once and may come up again; one that is gone ends the
 * run. */
static int side_alive(struct side *side)
{
	int error;
	socklen_t size = sizeof(error);

	getsockopt(side->rx.fd, SOL_SOCKET, SO_ERROR, &error, &size);
	return if_nametoindex(side->device) != 0;
}

static int forward(struct side *left, struct side *right)
{
	struct pollfd fds[2] = {
	    {.fd = left->rx.fd, .events = POLLIN},
	    {.fd = right->rx.fd, .events = POLLIN},
	};

	while (!stopped) {
		int moved = packet_forward(&left->rx, &right->tx, &left->counters);

		moved += packet_forward(&right->rx, &left->tx, &right->counters);
		if (moved)
			continue;
		/* The timeout bounds how long a SIGTERM that came just before poll() is unseen. */
		if (poll(fds, 2, 100) < 0 && errno != EINTR)
			return -errno;
		if (((fds[0].revents & POLLERR) && !side_alive(left)) ||
		    ((fds[1].revents & POLLERR) && !side_alive(right)))
			return -ENODEV;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = stop};
	static struct side left, right;
	int error;

	if (argc != 3) {
		fprintf(stderr, "packet-forward: Say two devices: packet-forward LEFT RIGHT\n");
		return 2;
	}
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	if (side_open(&left, argv[1]))
		return 1;
	if (side_open(&right, argv[2])) {
		side_close(&left);
		return 1;
	}
	puts("ready");
	fflush(stdout);
	error = forward(&left, &right);
	printf("{");
	side_print("leftToRight", &left);
	printf(",");
	side_print("rightToLeft", &right);
	printf("}\n");
	side_close(&right);
	side_close(&left);
	if (error)
		fprintf(stderr, "packet-forward: Waiting for frames: %s\n",
			strerrorname_np(-error));
	return error ? 1 : 0;
}

// SPDX-License-Identifier: Apache-2.0
// packet-forward LEFT RIGHT: moves every frame from one device to the other, both ways, until
// SIGTERM. Prints "ready", and at the end what it moved and lost as one line of JSON.
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "loader/relay/packet.h"

/* Rounds under traffic after which the devices are looked at: one side may never fall silent while
 * the other's device goes. */
#define ROUNDS_UNSEEN 1024

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

/*
 * A device that went down may come up again; one that is gone ends the run. Both raise ENETDOWN,
 * and a device that is being removed raises it only once, while it still stands: whether it is gone
 * is read off the socket, whose device the kernel takes away when it goes.
 */
static int side_alive(struct side *side)
{
	struct sockaddr_ll address = {0};
	socklen_t size = sizeof(address);
	int error;

	if (getsockname(side->rx.fd, (struct sockaddr *)&address, &size) < 0)
		return 0;
	size = sizeof(error);
	getsockopt(side->rx.fd, SOL_SOCKET, SO_ERROR, &error, &size);
	return address.sll_ifindex > 0;
}

static int forward(struct side *left, struct side *right)
{
	struct pollfd fds[2] = {
	    {.fd = left->rx.fd, .events = POLLIN},
	    {.fd = right->rx.fd, .events = POLLIN},
	};
	int rounds = 0;

	while (!stopped) {
		int moved = packet_forward(&left->rx, &right->tx, &left->counters), woken;

		moved += packet_forward(&right->rx, &left->tx, &right->counters);
		if (moved && ++rounds < ROUNDS_UNSEEN)
			continue;
		rounds = 0;
		/* The timeout bounds how long a SIGTERM that came just before poll() is unseen. */
		woken = poll(fds, 2, moved ? 0 : 100);
		if (woken < 0 && errno != EINTR)
			return -errno;
		if (!moved && woken > 0 && !((fds[0].revents | fds[1].revents) & POLLERR))
			continue;
		if (!side_alive(left) || !side_alive(right))
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

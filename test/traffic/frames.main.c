// SPDX-License-Identifier: Apache-2.0
// frames send DEVICE [--vnet] [--seconds N] < LINES
// frames capture DEVICE [--vnet] [--count N] [--seconds N] [--outgoing] > LINES
// Raw frames as lines of hex digits, so that what went in and what came out compare byte for byte.
// A VLAN tag that the kernel keeps beside a received frame is put back. With --vnet each line
// starts with the ten bytes of a virtio_net_hdr and a colon: "HEADER:FRAME"; that is how GSO
// packets and partial checksums are sent and seen. DEVICE "any" captures on all devices of the
// namespace, also on those that come later. `send` reports refused frames as
// {"sent","refused":[{"line","error"}]}. `capture` prints "ready", then frames until SIGTERM,
// --count or --seconds.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "test/traffic/fail.h"
#include "test/traffic/hex.h"
#include "test/traffic/options.h"
#include "test/traffic/stop.h"

#define MAX_FRAME (256 * 1024)
#define VNET_SIZE sizeof(struct virtio_net_hdr)
#define TAG_SIZE 4
#define MACS_SIZE (2 * ETH_ALEN)

static long count = 1000000, seconds = 10;
static int vnet, outgoing;
static const struct option_spec specs[] = {
    {.name = "vnet", .flag = &vnet},
    {.name = "outgoing", .flag = &outgoing},
    {.name = "count", .number = &count, .min = 1, .max = 1000000},
    {.name = "seconds", .number = &seconds, .min = 1, .max = 600},
    {0},
};

static uint8_t buffer[MAX_FRAME];

static void set(int fd, int name, const char *what)
{
	int yes = 1;

	if (setsockopt(fd, SOL_PACKET, name, &yes, sizeof(yes)) < 0)
		fail("Setting %s", what);
}

static int open_device(const char *device, uint16_t protocol)
{
	struct sockaddr_ll address = {
	    .sll_family = AF_PACKET,
	    .sll_protocol = htons(protocol),
	    .sll_ifindex = if_nametoindex(device),
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0)
		fail("Opening a packet socket");
	if (!address.sll_ifindex && strcmp(device, "any"))
		fail("Finding device \"%s\"", device);
	set(fd, PACKET_AUXDATA, "PACKET_AUXDATA");
	if (vnet)
		set(fd, PACKET_VNET_HDR, "PACKET_VNET_HDR");
	if (!outgoing)
		set(fd, PACKET_IGNORE_OUTGOING, "PACKET_IGNORE_OUTGOING");
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		fail("Binding to device \"%s\"", device);
	return fd;
}

/* Fills the buffer from one line. Returns its size, 0 for an empty line or a comment. */
static size_t parse(const char *line, size_t number)
{
	const char *end = line;
	long header = 0, frame;

	if (*line == '\n' || *line == '#' || !*line)
		return 0;
	if (vnet) {
		header = hex_read(line, ':', buffer, VNET_SIZE, &end);
		if (header != (long)VNET_SIZE || *end++ != ':')
			misuse("Line %zu: ten bytes of virtio_net_hdr and a colon are required",
			       number);
	}
	frame = hex_read(end, '\n', buffer + header, sizeof(buffer) - header, &end);
	if (frame < 0)
		misuse("Line %zu: an even number of hex digits, at most %d bytes, is required",
		       number, MAX_FRAME);
	return header + frame;
}

static void send_lines(int fd)
{
	size_t room = 0, number = 0, sent = 0, refused = 0;
	char *line = NULL;

	printf("{\"refused\":[");
	while (!stopped && getline(&line, &room, stdin) > 0) {
		size_t size = parse(line, ++number);

		if (!size)
			continue;
		if (send(fd, buffer, size, 0) >= 0)
			sent++;
		else
			printf("%s{\"line\":%zu,\"error\":\"%s\"}", refused++ ? "," : "", number,
			       strerrorname_np(errno));
	}
	printf("],\"sent\":%zu}\n", sent);
	free(line);
}

/* The tag beside the frame, if there is one: the kernel takes the outermost 802.1Q or 802.1ad out.
 */
static int tag_of(struct msghdr *message, uint16_t tag[2])
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		struct tpacket_auxdata aux;

		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
		if (!(aux.tp_status & TP_STATUS_VLAN_VALID))
			return 0;
		tag[0] = htons(aux.tp_status & TP_STATUS_VLAN_TPID_VALID ? aux.tp_vlan_tpid
									 : ETH_P_8021Q);
		tag[1] = htons(aux.tp_vlan_tci);
		return 1;
	}
	return 0;
}

static void print_frame(struct msghdr *message, size_t size)
{
	size_t header = vnet ? VNET_SIZE : 0;
	struct virtio_net_hdr *offload = (struct virtio_net_hdr *)buffer;
	uint8_t *frame = buffer + header;
	uint16_t tag[2];
	int tagged = tag_of(message, tag);

	if (vnet) {
		/* The kernel counts from the start of the untagged frame. */
		if (tagged && offload->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
			offload->csum_start += TAG_SIZE;
		if (tagged && offload->gso_type != VIRTIO_NET_HDR_GSO_NONE)
			offload->hdr_len += TAG_SIZE;
		hex_print(buffer, VNET_SIZE);
		putchar(':');
	}
	hex_print(frame, MACS_SIZE);
	if (tagged)
		hex_print((uint8_t *)tag, TAG_SIZE);
	hex_print(frame + MACS_SIZE, size - header - MACS_SIZE);
	putchar('\n');
	fflush(stdout);
}

static void capture(int fd)
{
	int queue = 64 * 1024 * 1024;
	struct tpacket_stats stats;
	socklen_t stats_size = sizeof(stats);

	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &queue, sizeof(queue));
	stop_wakes(fd);
	puts("ready");
	fflush(stdout);
	while (!stopped && count > 0) {
		char control[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
		struct iovec data = {buffer, sizeof(buffer)};
		struct msghdr message = {
		    .msg_iov = &data,
		    .msg_iovlen = 1,
		    .msg_control = control,
		    .msg_controllen = sizeof(control),
		};
		ssize_t n = recvmsg(fd, &message, 0);

		if (n >= (ssize_t)((vnet ? VNET_SIZE : 0) + ETH_HLEN)) {
			print_frame(&message, n);
			count--;
		} else if (n < 0 && errno != EAGAIN && errno != EINTR && errno != ENETDOWN) {
			fail("Receiving");
		}
	}
	if (getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &stats_size) == 0 &&
	    stats.tp_drops)
		misuse("%u frames were lost by the capture itself", stats.tp_drops);
}

int main(int argc, char **argv)
{
	int sending;

	if (options_read(argc, argv, specs) != 2)
		misuse("Say \"send DEVICE\" or \"capture DEVICE\"");
	sending = !strcmp(argv[1], "send");
	if (!sending && strcmp(argv[1], "capture"))
		misuse("Unknown role \"%s\": \"send\" or \"capture\" is allowed", argv[1]);
	stop_after(seconds);
	if (sending)
		send_lines(open_device(argv[2], 0));
	else
		capture(open_device(argv[2], ETH_P_ALL));
	return 0;
}

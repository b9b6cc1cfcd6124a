// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "loader/relay/packet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * TPACKET_V2, not V3: V3 hands over blocks, and a block that is not full is retired by a timer of
 * 1 ms at best, which no latency survives; V2 hands over each frame at once. A slot holds a frame
 * of an ordinary MTU; what is larger (GSO packets, jumbo frames) arrives whole on the socket's
 * queue (PACKET_COPY_THRESH), in order, announced by TP_STATUS_COPY in its slot.
 */
#define SLOT_SIZE 2048
#define SLOTS 4096
#define BLOCK_SIZE (64 * 1024)
#define RING_SIZE ((size_t)SLOT_SIZE * SLOTS)
#define LARGE_SIZE (256 * 1024)
#define QUEUE_SIZE (16 * 1024 * 1024)
#define VNET_SIZE ((int)sizeof(struct virtio_net_hdr))
#define TAG_SIZE 4
#define MACS_SIZE (2 * ETH_ALEN)

static int set(int fd, int level, int name, const void *value, socklen_t size)
{
	return setsockopt(fd, level, name, value, size) < 0 ? -errno : 0;
}

static int set_int(int fd, int name, int value)
{
	return set(fd, SOL_PACKET, name, &value, sizeof(value));
}

static int bind_device(int fd, const char *device, uint16_t protocol)
{
	struct sockaddr_ll address = {
	    .sll_family = AF_PACKET,
	    .sll_protocol = htons(protocol),
	    .sll_ifindex = if_nametoindex(device),
	};

	if (address.sll_ifindex == 0)
		return -ENODEV;
	return bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
}

/* A device that filters by MAC (a NIC does, a veth does not) must let through what is not its own.
 */
static int set_promiscuous(int fd, const char *device)
{
	struct packet_mreq member = {
	    .mr_ifindex = if_nametoindex(device),
	    .mr_type = PACKET_MR_PROMISC,
	};

	return set(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &member, sizeof(member));
}

static int rx_prepare(struct packet_rx *rx, const char *device)
{
	struct tpacket_req request = {
	    .tp_block_size = BLOCK_SIZE,
	    .tp_block_nr = RING_SIZE / BLOCK_SIZE,
	    .tp_frame_size = SLOT_SIZE,
	    .tp_frame_nr = SLOTS,
	};
	int queue = QUEUE_SIZE, error;

	/* Each option must stand before the ring, and the ring before binding: frames flow from
	 * then on. */
	if ((error = set_int(rx->fd, PACKET_VERSION, TPACKET_V2)) ||
	    (error = set_int(rx->fd, PACKET_VNET_HDR, 1)) ||
	    (error = set_int(rx->fd, PACKET_IGNORE_OUTGOING, 1)) ||
	    (error = set_int(rx->fd, PACKET_COPY_THRESH, SLOT_SIZE)) ||
	    (error = set(rx->fd, SOL_SOCKET, SO_RCVBUFFORCE, &queue, sizeof(queue))) ||
	    (error = set(rx->fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof(request))))
		return error;
	rx->ring = mmap(NULL, RING_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, rx->fd, 0);
	if (rx->ring == MAP_FAILED) {
		rx->ring = NULL;
		return -errno;
	}
	rx->large = malloc(LARGE_SIZE);
	if (!rx->large)
		return -ENOMEM;
	if ((error = bind_device(rx->fd, device, ETH_P_ALL)))
		return error;
	return set_promiscuous(rx->fd, device);
}

int packet_rx_open(struct packet_rx *rx, const char *device)
{
	int error;

	*rx = (struct packet_rx){.fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)};
	if (rx->fd < 0)
		return -errno;
	error = rx_prepare(rx, device);
	if (error)
		packet_rx_close(rx);
	return error;
}

void packet_rx_close(struct packet_rx *rx)
{
	free(rx->large);
	if (rx->ring)
		munmap(rx->ring, RING_SIZE);
	if (rx->fd >= 0)
		close(rx->fd);
	*rx = (struct packet_rx){.fd = -1};
}

int packet_tx_open(struct packet_tx *tx, const char *device)
{
	int error;

	/* Protocol 0: this socket never receives. */
	tx->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (tx->fd < 0)
		return -errno;
	if ((error = set_int(tx->fd, PACKET_VNET_HDR, 1)) ||
	    (error = set_int(tx->fd, PACKET_QDISC_BYPASS, 1)) ||
	    (error = bind_device(tx->fd, device, 0)))
		packet_tx_close(tx);
	return error;
}

void packet_tx_close(struct packet_tx *tx)
{
	if (tx->fd >= 0)
		close(tx->fd);
	tx->fd = -1;
}

/* One frame on its way out: an offload header, then the frame, a stripped VLAN tag put back. */
struct outgoing {
	struct virtio_net_hdr vnet;
	uint8_t tag[TAG_SIZE];
	struct iovec part[4];
};

static void put_tag(struct outgoing *out, uint16_t tpid, uint16_t tci)
{
	uint16_t wire[2] = {htons(tpid), htons(tci)};

	memcpy(out->tag, wire, sizeof(wire));
	/* The kernel counts offsets from the start of the untagged frame. */
	if (out->vnet.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		out->vnet.csum_start += TAG_SIZE;
	if (out->vnet.gso_type != VIRTIO_NET_HDR_GSO_NONE)
		out->vnet.hdr_len += TAG_SIZE;
}

/*
 * Describes the frame in this slot. Returns its parts, or 0 when it cannot be sent (truncated: half
 * a frame is worse than none). `large` was taken when the frame came over the socket's queue.
 */
static int describe(struct packet_rx *rx, struct tpacket2_hdr *slot, struct outgoing *out,
		    int *large)
{
	uint8_t *frame = (uint8_t *)slot + slot->tp_mac;
	size_t size = slot->tp_snaplen;
	int tagged = slot->tp_status & TP_STATUS_VLAN_VALID;

	if (slot->tp_status & TP_STATUS_COPY) {
		ssize_t n = recv(rx->fd, rx->large, LARGE_SIZE, MSG_DONTWAIT | MSG_TRUNC);

		if (n <= VNET_SIZE || n > LARGE_SIZE)
			return 0;
		*large = 1;
		frame = rx->large + VNET_SIZE;
		size = n - VNET_SIZE;
	} else if (slot->tp_snaplen < slot->tp_len) {
		return 0;
	}
	memcpy(&out->vnet, frame - VNET_SIZE, VNET_SIZE);
	if (!tagged) {
		out->part[0] = (struct iovec){frame - VNET_SIZE, VNET_SIZE + size};
		return 1;
	}
	put_tag(out, slot->tp_status & TP_STATUS_VLAN_TPID_VALID ? slot->tp_vlan_tpid : ETH_P_8021Q,
		slot->tp_vlan_tci);
	out->part[0] = (struct iovec){&out->vnet, VNET_SIZE};
	out->part[1] = (struct iovec){frame, MACS_SIZE};
	out->part[2] = (struct iovec){out->tag, TAG_SIZE};
	out->part[3] = (struct iovec){frame + MACS_SIZE, size - MACS_SIZE};
	return 4;
}

static size_t frame_size(const struct msghdr *message)
{
	size_t size = 0;

	for (size_t i = 0; i < message->msg_iovlen; i++)
		size += message->msg_iov[i].iov_len;
	return size - VNET_SIZE;
}

static void send_all(struct packet_tx *tx, struct mmsghdr *messages, int count,
		     struct packet_counters *counters)
{
	for (int done = 0; done < count;) {
		int n = sendmmsg(tx->fd, messages + done, count - done, MSG_DONTWAIT);

		if (n <= 0) {
			/* The error is the first frame's: the rest still has its chance. */
			counters->refused++;
			done++;
			continue;
		}
		for (int i = done; i < done + n; i++)
			counters->bytes += frame_size(&messages[i].msg_hdr);
		counters->frames += n;
		done += n;
	}
}

static struct tpacket2_hdr *slot_at(struct packet_rx *rx, uint32_t index)
{
	return (struct tpacket2_hdr *)(rx->ring + (size_t)(index % SLOTS) * SLOT_SIZE);
}

int packet_forward(struct packet_rx *rx, struct packet_tx *tx, struct packet_counters *counters)
{
	struct outgoing out[PACKET_BATCH];
	struct mmsghdr messages[PACKET_BATCH];
	int taken = 0, ready = 0, large = 0;

	/* There is one buffer for large frames, so a batch ends with one. */
	while (taken < PACKET_BATCH && !large) {
		struct tpacket2_hdr *slot = slot_at(rx, rx->next + taken);
		int parts;

		if (!(__atomic_load_n(&slot->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
			break;
		taken++;
		parts = describe(rx, slot, &out[ready], &large);
		if (parts == 0) {
			counters->truncated++;
			continue;
		}
		messages[ready] = (struct mmsghdr){
		    .msg_hdr = {.msg_iov = out[ready].part, .msg_iovlen = parts},
		};
		ready++;
	}
	send_all(tx, messages, ready, counters);
	for (int i = 0; i < taken; i++)
		__atomic_store_n(&slot_at(rx, rx->next + i)->tp_status, TP_STATUS_KERNEL,
				 __ATOMIC_RELEASE);
	rx->next = (rx->next + taken) % SLOTS;
	return taken;
}

void packet_count_losses(struct packet_rx *rx, struct packet_counters *counters)
{
	struct tpacket_stats stats;
	socklen_t size = sizeof(stats);

	/* Reading resets them. */
	if (getsockopt(rx->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0)
		counters->ring_full += stats.tp_drops;
}

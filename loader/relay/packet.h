/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RELAY_PACKET_H
#define RELAY_PACKET_H

#include <linux/if_packet.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* How many frames one system call sends, and how many are taken from a ring before the other is
 * asked. */
#define PACKET_BATCH 64

struct packet_counters {
	/* Frames and bytes sent; a GSO packet is one frame of its whole size. */
	uint64_t frames, bytes;
	/* Frames that came after the ring was full, as the kernel counts them. */
	uint64_t ring_full;
	/* Frames larger than a slot whose copy was lost because the socket's buffer was full. */
	uint64_t truncated;
	/* Frames that the outgoing device refused: its queue full, down, or larger than its MTU. */
	uint64_t refused;
};

/* Receives from one device: a mapped ring, and the socket's own queue for what exceeds a slot. */
struct packet_rx {
	int fd;
	uint8_t *ring;
	uint32_t next;
	uint8_t *large;
};

/* Sends to one device. */
struct packet_tx {
	int fd;
};

/*
 * Both return 0 or a negative errno; on failure nothing stays open. What was opened is the caller's
 * to close; closing twice is harmless. The device must be in the namespace the caller is in.
 */
int packet_rx_open(struct packet_rx *rx, const char *device);
int packet_tx_open(struct packet_tx *tx, const char *device);
void packet_rx_close(struct packet_rx *rx);
void packet_tx_close(struct packet_tx *tx);

/*
 * Moves what is in the ring, one batch at most, without waiting. Returns the number of frames taken
 * (sent, truncated or refused; each counted), 0 when the ring is empty.
 */
int packet_forward(struct packet_rx *rx, struct packet_tx *tx, struct packet_counters *counters);
/* Adds what the kernel counted since the last call. */
void packet_count_losses(struct packet_rx *rx, struct packet_counters *counters);

#endif

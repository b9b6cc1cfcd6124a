/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef VWIRE_MAPS_COUNTERS_H
#define VWIRE_MAPS_COUNTERS_H

#include <linux/types.h>

struct counter_key {
	__u32 wire;
	__u32 direction; /* enum direction, as wide as the key has room for */
};

/* Per CPU. A packet that stands for several (GSO) counts once in packets, fully in segments. */
struct counter {
	__u64 packets;
	__u64 segments;
	__u64 bytes; /* with the Ethernet header, without FCS */
};

#endif

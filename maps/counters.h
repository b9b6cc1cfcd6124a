/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef VWIRE_MAPS_COUNTERS_H
#define VWIRE_MAPS_COUNTERS_H

#include <linux/types.h>
#include "hops.h"

struct counter_key {
	__u32 wire;
	enum direction direction;
	__u8 pad[3];
};

/* Per CPU. A packet that stands for several (GSO) counts once in packets, fully in segments. */
struct counter {
	__u64 packets;
	__u64 segments;
	__u64 bytes; /* with the Ethernet header, without FCS */
};

#endif

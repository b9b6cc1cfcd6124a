/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef VWIRE_MAPS_DROPS_H
#define VWIRE_MAPS_DROPS_H

#include <linux/types.h>
#include "hops.h"

/* Only what happened has an entry. Wire 0: no wire known. The value is a __u64. */
struct drop_key {
	__u32 wire;
	enum direction direction;
	enum drop_reason reason;
	__u16
	    kernel_reason; /* enum skb_drop_reason of this kernel, with DROP_LOST_AFTER_REDIRECT */
};

struct drop {
	__u64 packets;
};

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef VWIRE_MAPS_NODE_H
#define VWIRE_MAPS_NODE_H

#include <linux/types.h>

/* What must outlive the agent: wire ids are never reused within a boot. */
struct node {
	__u32 next_wire;
	__u8 spare[60];
};

#endif

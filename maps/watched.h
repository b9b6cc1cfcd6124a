/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef VWIRE_MAPS_WATCHED_H
#define VWIRE_MAPS_WATCHED_H

#include <linux/types.h>
#include "hops.h"

enum device_end { END_HOST, END_POD } __attribute__((packed));

/* Devices whose losses after a redirect are charged to a wire. ifindexes collide across namespaces.
 */
struct watched_key {
	__u32 netns; /* inode of the network namespace */
	__u32 ifindex;
};

struct watched {
	__u32 wire;
	enum direction direction; /* of frames that come from this device's side */
	enum device_end end;
	__u16 pad;
};

#endif

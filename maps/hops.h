/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef VWIRE_MAPS_HOPS_H
#define VWIRE_MAPS_HOPS_H

#include <linux/types.h>

/* Enums narrower than an int are packed, so that BTF and bpftool print their names. */

enum hook { HOOK_INGRESS, HOOK_EGRESS } __attribute__((packed));

enum direction { LEFT_TO_RIGHT, RIGHT_TO_LEFT } __attribute__((packed));

enum hop_act {
	HOP_DROP,
	HOP_PASS,
	HOP_REDIRECT, /* to the egress of `out` */
	HOP_PEER,     /* into the namespace behind `out`, REDIRECT for frames not addressed to it */
	HOP_ENCAP,
	HOP_BRIDGE,
	HOP_RELAY,
};

/* Flags of a hop. */
enum hop_flag {
	HOP_F_DMAC = 1, /* `dmac` tells which frames may take PEER, not the kernel's packet type */
};

enum drop_reason {
	DROP_NONE,
	DROP_NO_HOP,	  /* a device of ours has no entry */
	DROP_CLOSING,	  /* the wire is being taken down */
	DROP_PORT_DOWN,	  /* the far port is down */
	DROP_UNKNOWN_ACT, /* the entry asks for what this program version does not know */
	DROP_NO_PORT,	  /* the redirect target is not in the devmap */
	DROP_LOST_AFTER_REDIRECT,
} __attribute__((packed));

/* vlan is 0 unless the port is split by VLAN; zone 0 is the agent's network namespace. */
struct hop_key {
	__u32 ifindex;
	__u16 vlan;
	enum hook hook;
	__u8 zone;
};

struct hop {
	enum hop_act act;
	__u32 out; /* ifindex */
	__u32 wire;
	__u32 tunnel;
	__u8 dmac[6];
	enum direction direction;
	__u8 flags;
	enum drop_reason reason; /* counted when act is HOP_DROP */
	__u8 spare[39];
};

#endif

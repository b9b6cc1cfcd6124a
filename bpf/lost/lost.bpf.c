// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What the kernel drops after a redirect shows in no counter of any device. This program hears
 * every freed packet, keeps those of watched devices and charges them to their wire.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include "bpf/lib/count.h"
#include "maps/watched.h"

/* The few fields read, by name; CO-RE finds their offsets in the running kernel. */
#define CORE __attribute__((preserve_access_index))
struct ns_common {
	unsigned int inum;
} CORE;
struct net {
	struct ns_common ns;
} CORE;
typedef struct {
	struct net *net;
} CORE possible_net_t;
struct net_device {
	int ifindex;
	possible_net_t nd_net;
} CORE;
struct sk_buff {
	struct net_device *dev;
} CORE;

/* Numbers differ from kernel to kernel; only the names are used. */
enum skb_drop_reason {
	SKB_DROP_REASON_NOT_SPECIFIED = 2,
	SKB_DROP_REASON_TC_INGRESS = 3,
	SKB_DROP_REASON_CPU_BACKLOG = 4,
	SKB_DROP_REASON_SOCKET_RCVBUFF = 5,
};
#define KERNEL_REASON(name) (int)bpf_core_enum_value(enum skb_drop_reason, SKB_DROP_REASON_##name)

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 262144);
	__type(key, struct watched_key);
	__type(value, struct watched);
} watched SEC(".maps");

static __always_inline enum direction opposite(enum direction direction)
{
	return direction == LEFT_TO_RIGHT ? RIGHT_TO_LEFT : LEFT_TO_RIGHT;
}

/*
 * Never a loss of a wire, wherever it happens, so that no table need be asked: our own verdict,
 * which was counted where it was made, and a pod whose program reads more slowly than it is sent
 * to. There may be a million of these a second.
 */
static __always_inline int never_ours(int reason)
{
	return reason == KERNEL_REASON(TC_INGRESS) ||
	       (bpf_core_enum_value_exists(enum skb_drop_reason, SKB_DROP_REASON_SOCKET_RCVBUFF) &&
		reason == KERNEL_REASON(SOCKET_RCVBUFF));
}

static __always_inline int lost(struct sk_buff *skb, int reason)
{
	struct net_device *dev = skb->dev;
	struct watched_key key = {};
	struct drop_key drop = {.reason = DROP_LOST_AFTER_REDIRECT, .kernel_reason = reason};
	struct watched *device;

	if (!dev || never_ours(reason))
		return 0;
	key.netns = dev->nd_net.net->ns.inum;
	key.ifindex = dev->ifindex;
	device = bpf_map_lookup_elem(&watched, &key);
	if (!device)
		return 0;
	drop.wire = device->wire;
	if (device->end == END_POD) {
		/* What the pod's own stack refuses is the pod's affair; a full backlog is the
		 * wire's. */
		if (reason != KERNEL_REASON(CPU_BACKLOG))
			return 0;
		drop.direction = opposite(device->direction);
	} else if (reason == KERNEL_REASON(NOT_SPECIFIED) || reason == KERNEL_REASON(CPU_BACKLOG)) {
		/* Still on its way in, or a PEER that found the far end down. */
		drop.direction = device->direction;
	} else {
		drop.direction =
		    opposite(device->direction); /* refused by the egress of this device */
	}
	count_drop(&drop);
	return 0;
}

SEC("tp_btf/kfree_skb") int BPF_PROG(vwire_lost, struct sk_buff *skb, void *location, int reason)
{
	return lost(skb, reason);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include "bpf/lib/count.h"
#include "bpf/lib/cursor.h"
#include "maps/node.h"

/* The agent's own. No program reads it: it is made here to carry types that bpftool can print. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct node);
} node SEC(".maps");

/* A missing hop is a fault on a device of ours and none of our business on any other. */
enum on_miss { MISS_DROPS, MISS_PASSES };

/*
 * PEER delivers past the receiver's MAC filter, so only frames addressed to the far port may take
 * it. The host end of a port carries the MAC of the far port, hence the kernel has classified the
 * frame already; where that MAC is not ours to set, the hop's own address decides, and the type is
 * set since kernels before 5.12 deliver the packet with whatever type it arrived with.
 */
static __always_inline int may_take_peer(struct __sk_buff *skb, const struct hop *hop)
{
	struct cursor cursor = {(void *)(long)skb->data, (void *)(long)skb->data_end};
	struct ethhdr *eth;

	if (!(hop->flags & HOP_F_DMAC))
		return skb->pkt_type == PACKET_HOST;
	eth = cursor_eth(&cursor);
	if (!eth || !same_mac(eth->h_dest, hop->dmac))
		return 0;
	bpf_skb_change_type(skb, PACKET_HOST);
	return 1;
}

static __always_inline int tc_hop(struct __sk_buff *skb, enum on_miss on_miss)
{
	struct hop_key key = {.ifindex = skb->ifindex, .hook = HOOK_INGRESS};
	struct hop *hop = bpf_map_lookup_elem(&hops, &key);

	if (!hop) {
		if (on_miss == MISS_PASSES)
			return TC_ACT_UNSPEC;
		count_hop_drop(0, DROP_NO_HOP);
		return TC_ACT_SHOT;
	}
	switch (hop->act) {
	case HOP_PEER:
		count_forwarded(hop, skb->gso_segs ?: 1, skb->len);
		if (may_take_peer(skb, hop))
			return bpf_redirect_peer(hop->out, 0);
		return bpf_redirect(hop->out, 0);
	case HOP_REDIRECT:
		count_forwarded(hop, skb->gso_segs ?: 1, skb->len);
		return bpf_redirect(hop->out, 0);
	case HOP_PASS:
		return TC_ACT_UNSPEC;
	case HOP_DROP:
		count_hop_drop(hop, hop->reason);
		return TC_ACT_SHOT;
	default:
		count_hop_drop(hop, DROP_UNKNOWN_ACT);
		return TC_ACT_SHOT;
	}
}

SEC("tc") int vwire_tc_own(struct __sk_buff *skb)
{
	return tc_hop(skb, MISS_DROPS);
}

SEC("tc") int vwire_tc_guest(struct __sk_buff *skb)
{
	return tc_hop(skb, MISS_PASSES);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "bpf/lib/count.h"

/* Values of 4 bytes: kernels up to 5.10 refuse the 8-byte form at a generic XDP attach. */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u32);
} ports SEC(".maps");

enum on_miss { MISS_DROPS, MISS_PASSES };

static __always_inline int xdp_hop(struct xdp_md *xdp, enum on_miss on_miss)
{
	struct hop_key key = {.ifindex = xdp->ingress_ifindex, .hook = HOOK_INGRESS};
	struct hop *hop = bpf_map_lookup_elem(&hops, &key);
	int verdict;

	if (!hop) {
		if (on_miss == MISS_PASSES)
			return XDP_PASS;
		count_hop_drop(0, DROP_NO_HOP);
		return XDP_DROP;
	}
	switch (hop->act) {
	case HOP_PEER: /* XDP has no such shortcut; the far veth delivers to its peer by itself */
	case HOP_REDIRECT:
		verdict = bpf_redirect_map(&ports, hop->out, XDP_DROP);
		if (verdict == XDP_REDIRECT)
			count_forwarded(hop, 1, xdp->data_end - xdp->data);
		else
			count_hop_drop(hop, DROP_NO_PORT);
		return verdict;
	case HOP_PASS:
		return XDP_PASS;
	case HOP_DROP:
		count_hop_drop(hop, hop->reason);
		return XDP_DROP;
	default:
		count_hop_drop(hop, DROP_UNKNOWN_ACT);
		return XDP_DROP;
	}
}

SEC("xdp") int vwire_xdp_own(struct xdp_md *xdp)
{
	return xdp_hop(xdp, MISS_DROPS);
}

SEC("xdp") int vwire_xdp_guest(struct xdp_md *xdp)
{
	return xdp_hop(xdp, MISS_PASSES);
}

/* A veth takes redirected frames only while its peer runs NAPI, which any XDP program there starts.
 */
SEC("xdp") int vwire_xdp_pass(struct xdp_md *xdp)
{
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

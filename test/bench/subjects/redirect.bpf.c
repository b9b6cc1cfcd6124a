// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The least a redirect between two devices can cost: no table, no counters, no checks. The two
// devices have neighbouring ifindexes, an even one and the next.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("tc/redirect")
int redirect(struct __sk_buff *skb)
{
	return bpf_redirect(skb->ifindex ^ 1, 0);
}

SEC("tc/peer")
int peer(struct __sk_buff *skb)
{
	return bpf_redirect_peer(skb->ifindex ^ 1, 0);
}

char _license[] SEC("license") = "Dual BSD/GPL";

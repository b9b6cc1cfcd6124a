// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Each of these needs what no kernel has; all but one are switched off by the test. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

static long (*no_such_helper)(void) = (void *)9999;

SEC("xdp") int needs_helper(struct xdp_md *xdp)
{
	return no_such_helper();
}

SEC("tp_btf/no_such_tracepoint") int BPF_PROG(needs_tracepoint, void *skb)
{
	return 0;
}

SEC("tp_btf/kfree_skb")
int BPF_PROG(needs_argument, void *skb, void *location, int reason, void *rx_sk, __u64 fifth)
{
	return fifth != 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

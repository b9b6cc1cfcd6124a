// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Refused by the verifier: reads the frame without a look at its end. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} left_behind SEC(".maps");

SEC("xdp") int fine(struct xdp_md *xdp)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&left_behind, &zero) ? XDP_PASS : XDP_DROP;
}

SEC("xdp") int rejected(struct xdp_md *xdp)
{
	__u8 *data = (void *)(long)xdp->data;

	return data[100];
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

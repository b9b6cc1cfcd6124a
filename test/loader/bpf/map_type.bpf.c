// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A map of a type that no kernel has. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, 250);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} from_the_future SEC(".maps");

SEC("xdp") int uses_it(struct xdp_md *xdp)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&from_the_future, &zero) ? XDP_PASS : XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A little of everything the loader handles: maps of each kind, constants, tc, XDP, tracepoint. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

const volatile __u32 verdict = TC_ACT_UNSPEC;
const volatile __u64 wide = 0x1122334455667788;
const volatile __u8 narrow = 7;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} table SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u32);
} per_cpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
} events SEC(".maps");

/* Counts in both maps, appends a byte-swapped first word and returns the constant. */
SEC("tc") int sample_tc(struct __sk_buff *skb)
{
	__u32 key = skb->mark;
	__u64 one = 1;
	__u32 one32 = 1;

	bpf_map_update_elem(&table, &key, &one, BPF_ANY);
	bpf_map_update_elem(&per_cpu, &key, &one32, BPF_ANY);
	skb->priority = 5;
	return verdict;
}

SEC("tc") int sample_tc_b(struct __sk_buff *skb)
{
	return TC_ACT_UNSPEC;
}

SEC("xdp") int sample_xdp(struct xdp_md *xdp)
{
	__u8 *data = (void *)(long)xdp->data;

	if (data + 1 > (__u8 *)(long)xdp->data_end)
		return XDP_ABORTED;
	data[0] ^= 0xff;
	return XDP_PASS;
}

SEC("xdp") int sample_xdp_b(struct xdp_md *xdp)
{
	return XDP_PASS;
}

/* Each run leaves the frame's length in the ring. */
SEC("tc") int sample_event(struct __sk_buff *skb)
{
	__u32 length = skb->len;

	return bpf_ringbuf_output(&events, &length, sizeof(length), 0) ? 1 : 0;
}

SEC("tp_btf/kfree_skb") int BPF_PROG(sample_tp, void *skb)
{
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

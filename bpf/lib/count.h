/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef VWIRE_BPF_LIB_COUNT_H
#define VWIRE_BPF_LIB_COUNT_H

#include "bpf/lib/tables.h"

static __always_inline void count_forwarded(const struct hop *hop, __u64 segments, __u64 bytes)
{
	struct counter_key key = {.wire = hop->wire, .direction = hop->direction};
	struct counter *counter = bpf_map_lookup_elem(&counters, &key);

	if (!counter) {
		/* The agent makes the entry before the hop; this is for one it lost. */
		struct counter first = {};

		bpf_map_update_elem(&counters, &key, &first, BPF_NOEXIST);
		counter = bpf_map_lookup_elem(&counters, &key);
		if (!counter)
			return;
	}
	counter->packets += 1;
	counter->segments += segments;
	counter->bytes += bytes;
}

static __always_inline void count_drop(const struct drop_key *key)
{
	struct drop *drop = bpf_map_lookup_elem(&drops, key);

	if (!drop) {
		struct drop first = {};

		/* Two CPUs may come here at once: whoever loses adds to the winner's entry. */
		bpf_map_update_elem(&drops, key, &first, BPF_NOEXIST);
		drop = bpf_map_lookup_elem(&drops, key);
		if (!drop)
			return;
	}
	__sync_fetch_and_add(&drop->packets, 1);
}

static __always_inline void count_hop_drop(const struct hop *hop, enum drop_reason reason)
{
	struct drop_key key = {
	    .wire = hop ? hop->wire : 0,
	    .direction = hop ? hop->direction : LEFT_TO_RIGHT,
	    .reason = reason,
	};

	count_drop(&key);
}

#endif

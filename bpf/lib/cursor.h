/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef VWIRE_BPF_LIB_CURSOR_H
#define VWIRE_BPF_LIB_CURSOR_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_helpers.h>

/*
 * The one parser. Every function checks its bounds, returns the header it stands on and moves past
 * it, or returns NULL and leaves the cursor where it was. Bodies of programs hold no bounds check.
 */
struct cursor {
	void *at;
	void *end;
};

static __always_inline struct ethhdr *cursor_eth(struct cursor *cursor)
{
	struct ethhdr *eth = cursor->at;

	if ((void *)(eth + 1) > cursor->end)
		return 0;
	cursor->at = eth + 1;
	return eth;
}

static __always_inline int same_mac(const __u8 *a, const __u8 *b)
{
	return a[0] == b[0] && a[1] == b[1] && a[2] == b[2] && a[3] == b[3] && a[4] == b[4] &&
	       a[5] == b[5];
}

#endif

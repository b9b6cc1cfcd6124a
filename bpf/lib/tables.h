/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef VWIRE_BPF_LIB_TABLES_H
#define VWIRE_BPF_LIB_TABLES_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "maps/hops.h"
#include "maps/counters.h"
#include "maps/drops.h"

/*
 * The tables every forwarding program shares. Whoever loads first creates and pins them, the others
 * get the pinned ones. Sizes are the agent's to raise before that; nothing is preallocated, so that
 * memory follows what exists.
 */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 131072);
	__type(key, struct hop_key);
	__type(value, struct hop);
} hops SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 131072);
	__type(key, struct counter_key);
	__type(value, struct counter);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct drop_key);
	__type(value, struct drop);
} drops SEC(".maps");

#endif

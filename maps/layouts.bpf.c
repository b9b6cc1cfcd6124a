// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Never loaded: carries every type of the contract into BTF, from which layouts.gen.ts is made. */
#include "hops.h"
#include "counters.h"
#include "drops.h"
#include "watched.h"
#include "node.h"

struct layouts {
	enum hop_flag hop_flag;
	struct hop_key hop_key;
	struct hop hop;
	struct counter_key counter_key;
	struct counter counter;
	struct drop_key drop_key;
	struct drop drop;
	struct watched_key watched_key;
	struct watched watched;
	struct node node;
} layouts;

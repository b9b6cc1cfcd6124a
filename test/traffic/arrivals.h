/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRAFFIC_ARRIVALS_H
#define TRAFFIC_ARRIVALS_H

#include <stdint.h>

/* Which sequence numbers arrived, exactly: one bit each up to a limit set at the start. */
struct arrivals {
	uint8_t *seen;
	uint64_t limit;
	/* One more than the highest number that arrived. */
	uint64_t next;
	uint64_t unique, duplicates, reordered, beyond_limit;
	/* CLOCK_MONOTONIC of the last arrival, and the longest time between two. */
	uint64_t last_ns, max_gap_ns;
};

/* What is missing of `sent` numbers counted from 0. */
struct arrivals_missing {
	uint64_t lost, gaps, longest, first;
};

/* Returns 0, or -1 when there is no memory. */
int arrivals_open(struct arrivals *a, uint64_t limit);
void arrivals_close(struct arrivals *a);
void arrivals_add(struct arrivals *a, uint64_t number, uint64_t now_ns);
struct arrivals_missing arrivals_missing(const struct arrivals *a, uint64_t sent);

#endif

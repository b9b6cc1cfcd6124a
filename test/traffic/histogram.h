/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRAFFIC_HISTOGRAM_H
#define TRAFFIC_HISTOGRAM_H

#include <stdint.h>

/* Buckets of 16 ns up to 16.8 ms; what is longer shares the last one, `max` knows how long. */
#define HISTOGRAM_BUCKET_NS 16
#define HISTOGRAM_BUCKETS (1 << 20)

/* Starts as zeroes. Nanoseconds. */
struct histogram {
	uint64_t count, min, max;
	uint32_t bucket[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, uint64_t ns);
/* The middle of the bucket that holds the value below which a share q of them lies; 0 when empty.
 */
uint64_t histogram_quantile(const struct histogram *h, double q);

#endif

// SPDX-License-Identifier: Apache-2.0
#include "test/traffic/histogram.h"

void histogram_add(struct histogram *h, uint64_t ns)
{
	uint64_t index = ns / HISTOGRAM_BUCKET_NS;

	h->bucket[index < HISTOGRAM_BUCKETS ? index : HISTOGRAM_BUCKETS - 1]++;
	if (h->count == 0 || ns < h->min)
		h->min = ns;
	if (ns > h->max)
		h->max = ns;
	h->count++;
}

uint64_t histogram_quantile(const struct histogram *h, double q)
{
	uint64_t rank = h->count * q, seen = 0;

	if (h->count == 0)
		return 0;
	for (uint64_t i = 0; i < HISTOGRAM_BUCKETS - 1; i++) {
		seen += h->bucket[i];
		if (seen > rank)
			return i * HISTOGRAM_BUCKET_NS + HISTOGRAM_BUCKET_NS / 2;
	}
	return h->max;
}

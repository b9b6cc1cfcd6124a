// SPDX-License-Identifier: Apache-2.0
#include "test/traffic/arrivals.h"

#include <stdlib.h>

int arrivals_open(struct arrivals *a, uint64_t limit)
{
	*a = (struct arrivals){.seen = calloc(limit / 8 + 1, 1), .limit = limit};
	return a->seen ? 0 : -1;
}

void arrivals_close(struct arrivals *a)
{
	free(a->seen);
	a->seen = NULL;
}

static int arrived(const struct arrivals *a, uint64_t number)
{
	return number < a->limit && a->seen[number / 8] & (1 << number % 8);
}

void arrivals_add(struct arrivals *a, uint64_t number, uint64_t now_ns)
{
	if (a->last_ns && now_ns - a->last_ns > a->max_gap_ns)
		a->max_gap_ns = now_ns - a->last_ns;
	a->last_ns = now_ns;
	if (number >= a->limit) {
		a->beyond_limit++;
		return;
	}
	if (arrived(a, number)) {
		a->duplicates++;
		return;
	}
	a->seen[number / 8] |= 1 << number % 8;
	a->unique++;
	if (number < a->next)
		a->reordered++;
	else
		a->next = number + 1;
}

struct arrivals_missing arrivals_missing(const struct arrivals *a, uint64_t sent)
{
	struct arrivals_missing missing = {0};
	uint64_t run = 0;

	for (uint64_t number = 0; number < sent; number++) {
		if (arrived(a, number)) {
			run = 0;
			continue;
		}
		if (missing.lost++ == 0)
			missing.first = number;
		if (run++ == 0)
			missing.gaps++;
		if (run > missing.longest)
			missing.longest = run;
	}
	return missing;
}

// SPDX-License-Identifier: Apache-2.0
#include "test/traffic/clock.h"

#include <time.h>

uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

void clock_sleep_until(uint64_t when)
{
	struct timespec at = {
	    .tv_sec = when / NS_PER_SECOND,
	    .tv_nsec = when % NS_PER_SECOND,
	};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

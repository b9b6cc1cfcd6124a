/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRAFFIC_CLOCK_H
#define TRAFFIC_CLOCK_H

#include <stdint.h>

#define NS_PER_SECOND 1000000000ULL

/* Nanoseconds of CLOCK_MONOTONIC. */
uint64_t clock_ns(void);
/* Sleeps until clock_ns() reaches `when`, or until a signal arrives. */
void clock_sleep_until(uint64_t when);

#endif

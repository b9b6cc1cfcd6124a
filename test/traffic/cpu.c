// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "test/traffic/cpu.h"

#include <sched.h>
#include <sys/resource.h>

#include "test/traffic/fail.h"

void cpu_pin(int cpu)
{
	cpu_set_t set;

	if (cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		fail("Pinning to CPU %d", cpu);
}

static double seconds(struct timeval t)
{
	return t.tv_sec + t.tv_usec / 1e6;
}

double cpu_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

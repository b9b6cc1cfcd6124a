/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRAFFIC_CPU_H
#define TRAFFIC_CPU_H

/* Pins the calling thread and those it will start; -1 leaves it to the scheduler. */
void cpu_pin(int cpu);
/* User and system time of the whole process so far. */
double cpu_seconds(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRAFFIC_STOP_H
#define TRAFFIC_STOP_H

#include <signal.h>

/* Set once by SIGTERM, SIGINT or when the time is over; every loop looks at it. */
extern volatile sig_atomic_t stopped;

/*
 * From here on the process stops by itself: `stopped` after `seconds` (1 at least), and if the
 * loops have not ended 10 s later, SIGKILL. No traffic tool outlives its bound, whatever it waits
 * for.
 */
void stop_after(long seconds);
/* Blocking receives of this socket return EAGAIN every 100 ms, so that `stopped` is seen. */
void stop_wakes(int fd);

#endif

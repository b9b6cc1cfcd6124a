// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "test/traffic/stop.h"

#include <stddef.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "test/traffic/fail.h"

volatile sig_atomic_t stopped;

static void on_signal(int signal)
{
	/* The second alarm means that a loop is stuck. */
	if (signal == SIGALRM && stopped)
		kill(getpid(), SIGKILL);
	stopped = 1;
	alarm(10);
}

void stop_after(long seconds)
{
	/* No SA_RESTART: a blocking call returns EINTR. */
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGALRM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	alarm(seconds < 1 ? 1 : seconds);
}

void stop_wakes(int fd)
{
	struct timeval wait = {.tv_usec = 100000};

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) < 0)
		fail("Setting SO_RCVTIMEO");
}

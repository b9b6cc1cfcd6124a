// SPDX-License-Identifier: Apache-2.0
// tcp-stream take [--port N] [--connections N] [--seconds N] [--cpu N]
// tcp-stream give --to ADDRESS [--port N] [--connections N] [--ms N] [--cpu N]
// Bulk data over parallel connections, one thread each. The taker prints "ready", then (when every
// connection has ended) {"bytes","seconds","cpu"}: what arrived, between the first accept and the
// last end of stream. The giver prints the same of what it wrote.
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/traffic/address.h"
#include "test/traffic/clock.h"
#include "test/traffic/cpu.h"
#include "test/traffic/fail.h"
#include "test/traffic/options.h"
#include "test/traffic/stop.h"

#define MAX_CONNECTIONS 64
#define CHUNK (128 * 1024)

static long port = 5001, connections = 1, milliseconds = 1000, seconds = 60, cpu = -1;
static const char *to;
static const struct option_spec specs[] = {
    {.name = "to", .text = &to},
    {.name = "port", .number = &port, .min = 1, .max = 65535},
    {.name = "connections", .number = &connections, .min = 1, .max = MAX_CONNECTIONS},
    {.name = "ms", .number = &milliseconds, .min = 1, .max = 600000},
    {.name = "seconds", .number = &seconds, .min = 1, .max = 3600},
    {.name = "cpu", .number = &cpu, .min = -1, .max = 1023},
    {0},
};

struct stream {
	pthread_t thread;
	int fd;
	uint64_t bytes;
};

static uint64_t end;

static void *take(void *arg)
{
	struct stream *stream = arg;
	char *buffer = malloc(CHUNK);
	ssize_t n;

	stop_wakes(stream->fd);
	while (buffer && (n = recv(stream->fd, buffer, CHUNK, 0)) != 0) {
		if (n > 0)
			stream->bytes += n;
		else if ((errno != EAGAIN && errno != EINTR) || stopped)
			break;
	}
	free(buffer);
	close(stream->fd);
	return NULL;
}

static void *give(void *arg)
{
	struct stream *stream = arg;
	char *buffer = calloc(1, CHUNK);

	while (buffer && !stopped && clock_ns() < end) {
		ssize_t n = send(stream->fd, buffer, CHUNK, 0);

		if (n > 0)
			stream->bytes += n;
		else if (errno != EINTR && errno != EAGAIN)
			break;
	}
	free(buffer);
	close(stream->fd);
	return NULL;
}

static int accept_one(int listener)
{
	int fd = -1;

	while (!stopped && (fd = accept(listener, NULL, NULL)) < 0)
		if (errno != EAGAIN && errno != EINTR)
			fail("Accepting on port %ld", port);
	return fd;
}

/* SO_SNDTIMEO wakes a writer whose peer reads no more. */
static void wake_writer(int fd)
{
	struct timeval wait = {.tv_usec = 100000};

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
}

int main(int argc, char **argv)
{
	struct stream streams[MAX_CONNECTIONS] = {0};
	uint64_t start = 0, bytes = 0;
	int taking, listener = -1;

	if (options_read(argc, argv, specs) != 1)
		misuse("Say \"take\" or \"give\"");
	taking = !strcmp(argv[1], "take");
	if (!taking && strcmp(argv[1], "give"))
		misuse("Unknown role \"%s\": \"take\" or \"give\" is allowed", argv[1]);
	cpu_pin(cpu);
	stop_after(taking ? seconds : milliseconds / 1000 + 5);
	if (taking) {
		listener = address_bind(port, SOCK_STREAM);
		stop_wakes(listener);
		puts("ready");
		fflush(stdout);
	}
	for (int i = 0; i < connections; i++) {
		streams[i].fd =
		    taking ? accept_one(listener) : address_connect(to, port, SOCK_STREAM);
		if (!taking)
			wake_writer(streams[i].fd);
		if (i == 0)
			start = clock_ns();
		end = start + milliseconds * (NS_PER_SECOND / 1000);
		if (pthread_create(&streams[i].thread, NULL, taking ? take : give, &streams[i]))
			fail("Starting a thread");
	}
	for (int i = 0; i < connections; i++) {
		pthread_join(streams[i].thread, NULL);
		bytes += streams[i].bytes;
	}
	printf("{\"bytes\":%" PRIu64 ",\"seconds\":%.6f,\"cpu\":%.6f}\n", bytes,
	       (clock_ns() - start) / 1e9, cpu_seconds());
	return 0;
}

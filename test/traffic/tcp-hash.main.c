// SPDX-License-Identifier: Apache-2.0
// tcp-hash take [--port N] [--seconds N] [--cpu N]
// tcp-hash give --to ADDRESS [--port N] [--mbytes N] [--mbits N] [--seconds N] [--seed N] [--cpu N]
// One stream of pseudo-random bytes; both sides print {"bytes","hash","seconds","complete"}, and
// equal hashes mean that every byte arrived as it was sent. (TCP checksums are not verified between
// veths.) The giver stops after --mbytes, --seconds or SIGTERM; --mbits 0 is as fast as possible.
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/traffic/address.h"
#include "test/traffic/clock.h"
#include "test/traffic/cpu.h"
#include "test/traffic/fail.h"
#include "test/traffic/options.h"
#include "test/traffic/stop.h"

#define CHUNK (64 * 1024)

static long port = 5002, mbytes = 200, mbits, seconds = 60, seed = 1, cpu = -1;
static const char *to;
static const struct option_spec specs[] = {
    {.name = "to", .text = &to},
    {.name = "port", .number = &port, .min = 1, .max = 65535},
    {.name = "mbytes", .number = &mbytes, .min = 1, .max = 1000000},
    {.name = "mbits", .number = &mbits, .min = 0, .max = 1000000},
    {.name = "seconds", .number = &seconds, .min = 1, .max = 3600},
    {.name = "seed", .number = &seed, .min = 1, .max = 1L << 31},
    {.name = "cpu", .number = &cpu, .min = -1, .max = 1023},
    {0},
};

/* FNV-1a by words: the chunks hashed are whole words but for the last one. */
struct digest {
	uint64_t hash, bytes;
	/* Bytes of a word that is not complete yet. */
	uint8_t rest[8];
};

static void digest_add(struct digest *d, const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		uint64_t word;

		d->rest[d->bytes++ % 8] = data[i];
		if (d->bytes % 8)
			continue;
		memcpy(&word, d->rest, 8);
		d->hash = (d->hash ^ word) * 0x100000001b3ULL;
		d->hash ^= d->hash >> 29;
	}
}

static void digest_end(struct digest *d)
{
	static const uint8_t zeroes[8];
	uint64_t bytes = d->bytes;

	digest_add(d, zeroes, 8 - bytes % 8);
	d->bytes = bytes;
}

static void fill(uint64_t *state, uint64_t *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		*state ^= *state << 13;
		*state ^= *state >> 7;
		*state ^= *state << 17;
		words[i] = *state;
	}
}

static int give(int fd, struct digest *d)
{
	uint64_t words[CHUNK / 8], state = seed, start = clock_ns();
	uint64_t total = mbytes * 1000000ULL;

	while (!stopped && d->bytes < total) {
		size_t done = 0;

		fill(&state, words, CHUNK / 8);
		if (mbits)
			clock_sleep_until(start + d->bytes * 8000 / mbits);
		while (done < CHUNK) {
			ssize_t n = send(fd, (uint8_t *)words + done, CHUNK - done, 0);

			if (n > 0)
				done += n;
			else if (errno != EINTR || stopped)
				break;
		}
		digest_add(d, (uint8_t *)words, done);
		if (done < CHUNK)
			return 0;
	}
	return 1;
}

/* The stream is complete when its giver ended it, not when we grew tired of waiting. */
static int take(int fd, struct digest *d)
{
	static uint8_t buffer[CHUNK];

	stop_wakes(fd);
	for (;;) {
		ssize_t n = recv(fd, buffer, CHUNK, 0);

		if (n == 0)
			return 1;
		if (n > 0)
			digest_add(d, buffer, n);
		else if ((errno != EAGAIN && errno != EINTR) || stopped)
			return 0;
	}
}

static int accept_one(void)
{
	int listener = address_bind(port, SOCK_STREAM), fd;

	stop_wakes(listener);
	puts("ready");
	fflush(stdout);
	while ((fd = accept(listener, NULL, NULL)) < 0)
		if (stopped || (errno != EAGAIN && errno != EINTR))
			fail("Accepting on port %ld", port);
	return fd;
}

int main(int argc, char **argv)
{
	struct digest digest = {.hash = 0xcbf29ce484222325ULL};
	int taking, fd, complete;
	uint64_t start;

	if (options_read(argc, argv, specs) != 1)
		misuse("Say \"take\" or \"give\"");
	taking = !strcmp(argv[1], "take");
	if (!taking && strcmp(argv[1], "give"))
		misuse("Unknown role \"%s\": \"take\" or \"give\" is allowed", argv[1]);
	cpu_pin(cpu);
	stop_after(seconds);
	fd = taking ? accept_one() : address_connect(to, port, SOCK_STREAM);
	start = clock_ns();
	complete = taking ? take(fd, &digest) : give(fd, &digest);
	close(fd);
	digest_end(&digest);
	printf("{\"bytes\":%" PRIu64 ",\"hash\":\"%016" PRIx64
	       "\",\"seconds\":%.3f,\"complete\":%s}\n",
	       digest.bytes, digest.hash, (clock_ns() - start) / 1e9, complete ? "true" : "false");
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
// seqloss --to ADDRESS [--port N] [--rate N] [--seconds N] [--size BYTES] [--cpu N]
// Started on both sides of a path: each sends numbered datagrams to the other at a set rate and
// keeps account of the other's. Prints "ready" when it has heard the other side, and after SIGTERM
// (to either side: the other follows) or --seconds the totals:
// {"peer","sent","sendErrors","peerSent","received","lost","gaps","longestGap","firstLost",
//  "duplicates","reordered","maxGapMs","rcvbufErrors","otherErrors","seconds"}
// `peer` false: the other side never said how much it had sent, so what is lost at the end is
// unknown.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "test/traffic/address.h"
#include "test/traffic/arrivals.h"
#include "test/traffic/clock.h"
#include "test/traffic/cpu.h"
#include "test/traffic/fail.h"
#include "test/traffic/options.h"
#include "test/traffic/snmp.h"
#include "test/traffic/stop.h"

#define BATCH 64
#define MAX_SIZE 1400
#define MS (NS_PER_SECOND / 1000)
/* A side that is done repeats it this often, for as long, so that a late or lost one does no harm.
 */
#define END_EVERY (20 * MS)
#define END_FOR (3 * NS_PER_SECOND)

/* DATA carries its number, END how many DATA there were; HELLO says that somebody listens. */
enum kind { HELLO, DATA, END, END_HEARD };

struct datagram {
	uint64_t kind, number;
	uint8_t padding[MAX_SIZE - 16];
};

static long port = 4000, rate = 50000, seconds = 60, size = 64, cpu = -1;
static const char *to;
static const struct option_spec specs[] = {
    {.name = "to", .text = &to},
    {.name = "port", .number = &port, .min = 1, .max = 65535},
    {.name = "rate", .number = &rate, .min = 1, .max = 2000000},
    {.name = "seconds", .number = &seconds, .min = 1, .max = 3600},
    {.name = "size", .number = &size, .min = 16, .max = MAX_SIZE},
    {.name = "cpu", .number = &cpu, .min = -1, .max = 1023},
    {0},
};

static int in, out;
static uint64_t sent, send_errors;
/* Set by the receiving thread, read by the sending one. */
static int peer_heard, peer_ended, end_heard, receiving = 1;
static uint64_t peer_sent;
static struct arrivals arrivals;

static int get(int *flag)
{
	return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}

static void raise_flag(int *flag)
{
	__atomic_store_n(flag, 1, __ATOMIC_RELEASE);
}

static void say(enum kind kind, uint64_t number)
{
	struct datagram d = {.kind = kind, .number = number};

	send(out, &d, size, 0);
}

static void hear(const struct datagram *d, uint64_t now)
{
	switch ((enum kind)d->kind) {
	case HELLO:
		break;
	case DATA:
		arrivals_add(&arrivals, d->number, now);
		break;
	case END:
		peer_sent = d->number;
		raise_flag(&peer_ended);
		say(END_HEARD, 0);
		break;
	case END_HEARD:
		raise_flag(&end_heard);
		break;
	}
	raise_flag(&peer_heard);
}

static void *receive(void *arg)
{
	static struct datagram datagrams[BATCH];
	struct mmsghdr messages[BATCH];
	struct iovec data[BATCH];

	(void)arg;
	for (int i = 0; i < BATCH; i++) {
		data[i] = (struct iovec){&datagrams[i], sizeof(datagrams[i])};
		messages[i].msg_hdr = (struct msghdr){.msg_iov = &data[i], .msg_iovlen = 1};
	}
	while (get(&receiving)) {
		int n = recvmmsg(in, messages, BATCH, MSG_WAITFORONE, NULL);
		uint64_t now = clock_ns();

		for (int i = 0; i < n; i++)
			if (messages[i].msg_len >= 16)
				hear(&datagrams[i], now);
	}
	return NULL;
}

static void send_due(uint64_t due)
{
	static struct datagram datagrams[BATCH];
	struct mmsghdr messages[BATCH];
	struct iovec data[BATCH];
	int count = due < BATCH ? due : BATCH;

	for (int i = 0; i < count; i++) {
		datagrams[i].kind = DATA;
		datagrams[i].number = sent + i;
		data[i] = (struct iovec){&datagrams[i], size};
		messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &data[i], .msg_iovlen = 1}};
	}
	for (int done = 0; done < count;) {
		int n = sendmmsg(out, messages + done, count - done, 0);

		/* A number whose sending failed stays used: the kernel may have dropped it late. */
		if (n <= 0 && errno == EINTR)
			continue;
		send_errors += n <= 0;
		done += n > 0 ? n : 1;
	}
	sent += count;
}

static void send_at_rate(void)
{
	uint64_t start = clock_ns();
	uint64_t limit = (uint64_t)rate * seconds;

	while (!stopped && !get(&peer_ended) && sent < limit) {
		uint64_t now = clock_ns();
		uint64_t want = (now - start) / 1e9 * rate;

		if (want > sent)
			send_due(want - sent);
		else
			clock_sleep_until(now + 100000);
	}
}

/* Returns whether the other side was heard within the time of a run. */
static int greet(void)
{
	uint64_t end = clock_ns() + seconds * NS_PER_SECOND;

	while (!get(&peer_heard)) {
		if (stopped || clock_ns() > end)
			return 0;
		say(HELLO, 0);
		clock_sleep_until(clock_ns() + 10 * MS);
	}
	/* The other side may have been heard before it could hear. */
	say(HELLO, 0);
	puts("ready");
	fflush(stdout);
	return 1;
}

static void part(void)
{
	uint64_t end = clock_ns() + (get(&peer_heard) ? END_FOR : 0);

	while (clock_ns() < end && !(get(&end_heard) && get(&peer_ended))) {
		say(END, sent);
		clock_sleep_until(clock_ns() + END_EVERY);
	}
	/* Its END overtook nothing (one socket, one path), but answers to its repeats are still
	 * due. */
	clock_sleep_until(clock_ns() + 5 * END_EVERY);
	__atomic_store_n(&receiving, 0, __ATOMIC_RELEASE);
}

static const char *first_lost(const struct arrivals_missing *missing)
{
	static char text[24];

	if (!missing->lost)
		return "null";
	snprintf(text, sizeof(text), "%" PRIu64, missing->first);
	return text;
}

static void print_totals(struct snmp_udp udp, double took)
{
	uint64_t total = get(&peer_ended) ? peer_sent : arrivals.next;
	struct arrivals_missing missing = arrivals_missing(&arrivals, total);

	printf("{\"peer\":%s,\"sent\":%" PRIu64 ",\"sendErrors\":%" PRIu64 ",\"peerSent\":%" PRIu64
	       ",\"received\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"gaps\":%" PRIu64
	       ",\"longestGap\":%" PRIu64 ",\"firstLost\":%s,\"duplicates\":%" PRIu64
	       ",\"reordered\":%" PRIu64 ",\"maxGapMs\":%.3f,\"rcvbufErrors\":%" PRIu64
	       ",\"otherErrors\":%" PRIu64 ",\"seconds\":%.3f}\n",
	       get(&peer_ended) ? "true" : "false", sent, send_errors, total, arrivals.unique,
	       missing.lost, missing.gaps, missing.longest, first_lost(&missing),
	       arrivals.duplicates, arrivals.reordered, arrivals.max_gap_ns / 1e6,
	       udp.rcvbuf_errors, udp.other_errors, took);
}

int main(int argc, char **argv)
{
	int queue = 64 * 1024 * 1024;
	struct snmp_udp before;
	pthread_t receiver;
	uint64_t start;
	double took;
	int heard;

	if (options_read(argc, argv, specs))
		misuse("Unexpected argument \"%s\"", argv[1]);
	cpu_pin(cpu);
	/* Timers fire when due, not up to 50 us later. */
	prctl(PR_SET_TIMERSLACK, 1);
	/* The other side may send a little more than its rate times our seconds. */
	if (arrivals_open(&arrivals, (uint64_t)rate * (seconds + 10)) < 0)
		fail("Allocating the record of arrivals");
	in = address_bind(port, SOCK_DGRAM);
	out = address_connect(to, port, SOCK_DGRAM);
	/* A busy machine must not look like a lossy path; without the privilege it counts
	 * rcvbufErrors. */
	setsockopt(in, SOL_SOCKET, SO_RCVBUFFORCE, &queue, sizeof(queue));
	/* Greeting and sending may take `seconds` each. */
	stop_after(2 * seconds + 5);
	stop_wakes(in);
	before = snmp_udp_read();
	if (pthread_create(&receiver, NULL, receive, NULL))
		fail("Starting a thread");
	heard = greet();
	start = clock_ns();
	if (heard)
		send_at_rate();
	took = (clock_ns() - start) / 1e9;

	part();
	pthread_join(receiver, NULL);
	print_totals(snmp_udp_since(before), took);
	arrivals_close(&arrivals);
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
#include "test/traffic/snmp.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "test/traffic/fail.h"

/* /proc/net/snmp: a line of names, then a line of values, both starting with "Udp:". */
static void read_v4(struct snmp_udp *udp, uint64_t *in_errors)
{
	char names[1024], values[1024], *name_at, *value_at;
	FILE *file = fopen("/proc/self/net/snmp", "re");

	if (!file)
		fail("Opening \"/proc/self/net/snmp\"");
	while (fgets(names, sizeof(names), file) && strncmp(names, "Udp:", 4))
		;
	if (!fgets(values, sizeof(values), file))
		misuse("No UDP counters in \"/proc/self/net/snmp\"");
	fclose(file);
	strtok_r(names, " \n", &name_at);
	strtok_r(values, " \n", &value_at);
	for (;;) {
		char *name = strtok_r(NULL, " \n", &name_at);
		char *value = strtok_r(NULL, " \n", &value_at);
		uint64_t number;

		if (!name || !value || sscanf(value, "%" SCNu64, &number) != 1)
			return;
		if (!strcmp(name, "InDatagrams"))
			udp->in_datagrams += number;
		else if (!strcmp(name, "RcvbufErrors"))
			udp->rcvbuf_errors += number;
		else if (!strcmp(name, "InErrors"))
			*in_errors += number;
	}
}

static void read_v6(struct snmp_udp *udp, uint64_t *in_errors)
{
	FILE *file = fopen("/proc/self/net/snmp6", "re");
	char name[64];
	uint64_t number;

	/* A kernel without IPv6 has no such file. */
	if (!file)
		return;
	while (fscanf(file, "%63s %" SCNu64, name, &number) == 2) {
		if (!strcmp(name, "Udp6InDatagrams"))
			udp->in_datagrams += number;
		else if (!strcmp(name, "Udp6RcvbufErrors"))
			udp->rcvbuf_errors += number;
		else if (!strcmp(name, "Udp6InErrors"))
			*in_errors += number;
	}
	fclose(file);
}

struct snmp_udp snmp_udp_read(void)
{
	struct snmp_udp udp = {0};
	uint64_t in_errors = 0;

	read_v4(&udp, &in_errors);
	read_v6(&udp, &in_errors);
	/* InErrors includes RcvbufErrors. */
	udp.other_errors = in_errors - udp.rcvbuf_errors;
	return udp;
}

struct snmp_udp snmp_udp_since(struct snmp_udp then)
{
	struct snmp_udp now = snmp_udp_read();

	now.in_datagrams -= then.in_datagrams;
	now.rcvbuf_errors -= then.rcvbuf_errors;
	now.other_errors -= then.other_errors;
	return now;
}

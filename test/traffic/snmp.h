/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRAFFIC_SNMP_H
#define TRAFFIC_SNMP_H

#include <stdint.h>

/* UDP counters of the namespace the process is in, IPv4 and IPv6 together. */
struct snmp_udp {
	/* Datagrams handed to readers. */
	uint64_t in_datagrams;
	/* Datagrams that arrived and found the receive buffer full. */
	uint64_t rcvbuf_errors;
	/* Datagrams refused for another reason, bad checksums included. */
	uint64_t other_errors;
};

struct snmp_udp snmp_udp_read(void);
struct snmp_udp snmp_udp_since(struct snmp_udp then);

#endif

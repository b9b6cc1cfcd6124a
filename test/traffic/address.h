/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRAFFIC_ADDRESS_H
#define TRAFFIC_ADDRESS_H

#include <sys/socket.h>

/* A socket of this type connected to an IPv4 or IPv6 address; exits on failure. Caller closes. */
int address_connect(const char *host, long port, int type);
/*
 * A socket of this type bound to the port on every local address of both families; TCP listens.
 * Exits on failure. Caller closes.
 */
int address_bind(long port, int type);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRAFFIC_FAIL_H
#define TRAFFIC_FAIL_H

/* "<program>: <what>: <errno name>" on stderr, exit 1. */
void fail(const char *what, ...) __attribute__((noreturn, format(printf, 1, 2)));
/* "<program>: <what>" on stderr, exit 2. */
void misuse(const char *what, ...) __attribute__((noreturn, format(printf, 1, 2)));

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRAFFIC_HEX_H
#define TRAFFIC_HEX_H

#include <stddef.h>
#include <stdint.h>

/*
 * Reads pairs of hex digits up to the end of the text, a line end or `until`. Returns how many
 * bytes, or -1 for anything else in between or more than `room`; `end` is where it stopped.
 */
long hex_read(const char *text, char until, uint8_t *bytes, size_t room, const char **end);
void hex_print(const uint8_t *bytes, size_t size);

#endif

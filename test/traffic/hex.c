// SPDX-License-Identifier: Apache-2.0
#include "test/traffic/hex.h"

#include <stdio.h>

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

long hex_read(const char *text, char until, uint8_t *bytes, size_t room, const char **end)
{
	size_t size = 0;

	for (; *text && *text != '\n' && *text != until; text += 2) {
		int high = digit(text[0]), low = high < 0 ? -1 : digit(text[1]);

		if (low < 0 || size == room)
			return -1;
		bytes[size++] = high << 4 | low;
	}
	*end = text;
	return size;
}

void hex_print(const uint8_t *bytes, size_t size)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < size; i++) {
		putchar(digits[bytes[i] >> 4]);
		putchar(digits[bytes[i] & 15]);
	}
}

// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "test/traffic/fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void say(const char *what, va_list args, int error)
{
	fprintf(stderr, "%s: ", program_invocation_short_name);
	vfprintf(stderr, what, args);
	if (error)
		fprintf(stderr, ": %s", strerrorname_np(error));
	fputc('\n', stderr);
}

void fail(const char *what, ...)
{
	int error = errno;
	va_list args;

	va_start(args, what);
	say(what, args, error);
	va_end(args);
	exit(1);
}

void misuse(const char *what, ...)
{
	va_list args;

	va_start(args, what);
	say(what, args, 0);
	va_end(args);
	exit(2);
}

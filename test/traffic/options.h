/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRAFFIC_OPTIONS_H
#define TRAFFIC_OPTIONS_H

/* One option "--name VALUE": a number within [min, max], or (number NULL) a text. */
struct option_spec {
	const char *name;
	long *number;
	long min, max;
	const char **text;
	/* A switch: "--name" alone sets it to 1. */
	int *flag;
};

/*
 * Reads the options in front of and between the plain arguments, exits 2 on anything unknown or
 * out of range. The list ends with an empty entry. Returns how many plain arguments there were;
 * they are moved to argv[1].
 */
int options_read(int argc, char **argv, const struct option_spec *specs);

#endif

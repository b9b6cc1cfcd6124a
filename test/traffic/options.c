// SPDX-License-Identifier: Apache-2.0
#include "test/traffic/options.h"

#include <stdlib.h>
#include <string.h>

#include "test/traffic/fail.h"

static const struct option_spec *find(const struct option_spec *specs, const char *name)
{
	for (; specs->name; specs++)
		if (!strcmp(specs->name, name))
			return specs;
	misuse("Unknown option \"--%s\"", name);
}

static void set_number(const struct option_spec *spec, const char *value)
{
	char *end;
	long number = strtol(value, &end, 10);

	if (!*value || *end || number < spec->min || number > spec->max)
		misuse("--%s is \"%s\": a number from %ld to %ld is allowed", spec->name, value,
		       spec->min, spec->max);
	*spec->number = number;
}

int options_read(int argc, char **argv, const struct option_spec *specs)
{
	int plain = 0;

	for (int i = 1; i < argc; i++) {
		const struct option_spec *spec;

		if (strncmp(argv[i], "--", 2)) {
			argv[++plain] = argv[i];
			continue;
		}
		spec = find(specs, argv[i] + 2);
		if (spec->flag) {
			*spec->flag = 1;
			continue;
		}
		if (++i == argc)
			misuse("--%s needs a value", spec->name);
		if (spec->number)
			set_number(spec, argv[i]);
		else
			*spec->text = argv[i];
	}
	return plain;
}

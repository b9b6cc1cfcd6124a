// SPDX-License-Identifier: Apache-2.0
/*
 * Ends QEMU by a write to the port of its isa-debug-exit device. Cloud kernels have no /dev/port,
 * hence a program; an ACPI power-off would take longer.
 */
#include <stdio.h>
#include <sys/io.h>

enum { DEBUG_EXIT_PORT = 0xf4 };

int main(void)
{
	if (ioperm(DEBUG_EXIT_PORT, 1, 1) == 0)
		outb(0, DEBUG_EXIT_PORT);
	perror("isa-debug-exit");
	return 1;
}

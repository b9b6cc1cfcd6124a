// SPDX-License-Identifier: Apache-2.0
/*
 * Ends the VM with a status: vmexit N. QEMU's isa-debug-exit device makes a write of N to its port
 * the exit status 2N+1 of QEMU itself. Cloud kernels have no /dev/port, hence a program; an ACPI
 * power-off would take longer and carry no status.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/io.h>

enum { DEBUG_EXIT_PORT = 0xf4 };

int main(int argc, char **argv)
{
	if (argc != 2) {
		fputs("usage: vmexit STATUS\n", stderr);
		return 2;
	}
	if (ioperm(DEBUG_EXIT_PORT, 1, 1) != 0) {
		perror("ioperm 0xf4");
		return 1;
	}
	outb((unsigned char)atoi(argv[1]), DEBUG_EXIT_PORT);
	return 1;
}

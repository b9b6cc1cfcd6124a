import { BpfError } from '../../loader/error.ts';

/** What the kernel lacks, where that is why it refused; null for every other error. */
export const missingFeature = (error: unknown): { name: string; since: string | null } | null =>
  error instanceof BpfError ? error.feature : null;

/** The driver cannot run XDP at this MTU. */
export const refusedForSize = (error: unknown): boolean =>
  error instanceof BpfError && error.code === 'ERANGE';

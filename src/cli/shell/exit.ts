import { Failure, type FailureCode } from '../../features/failure.ts';
import { Unreachable } from '../../api/unreachable.ts';

/** Every exit code of every verb. docs/reference/cli.md lists them for users. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  /** Usage: the command line cannot be right on any machine. */
  invalid: 2,
  not_found: 3,
  refused: 4,
  denied: 4,
  exhausted: 4,
  unreachable: 5,
  /** A privilege or a kernel feature is missing. */
  unsupported: 6,
  timeout: 7,
  doctor_warnings: 10,
  doctor_failures: 11,
  interrupted: 130,
} as const;

/** Ctrl-C while a verb was at work. */
export class Interrupted extends Error {
  constructor() {
    super('Interrupted');
    this.name = 'Interrupted';
  }
}

/** What an error is in the words of the command line, as `--json` prints it. */
export interface Complaint {
  code: FailureCode | 'unreachable' | 'interrupted';
  field: string | null;
  value: string | null;
  allowed: string | null;
  message: string;
}

/** Reading pins and state files takes root; this is how the kernel says no. */
const denied = new Set(['EACCES', 'EPERM']);

export function complaintOf(error: unknown): Complaint {
  const bare = { field: null, value: null, allowed: null };
  if (error instanceof Failure) {
    const { code, field, value, allowed, message } = error;
    return { code, field, value, allowed, message };
  }
  if (error instanceof Unreachable) return { ...bare, code: 'unreachable', message: error.message };
  if (error instanceof Interrupted) return { ...bare, code: 'interrupted', message: error.message };
  if (typeof error !== 'object' || error === null || !('message' in error))
    return { ...bare, code: 'failed', message: String(error) };
  const message = String(error.message);
  if ('code' in error && denied.has(String(error.code)))
    return { ...bare, code: 'unsupported', message: `Not permitted: ${message}; run as root` };
  return { ...bare, code: 'failed', message };
}

export const exitOf = (complaint: Complaint): number => exitCodes[complaint.code];

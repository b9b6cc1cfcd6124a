import { BpfError } from '../../loader/error.ts';

/** The BpfError that `body` throws; anything else, or nothing, fails the test. */
export function failure(body: () => unknown): BpfError {
  try {
    body();
  } catch (error) {
    if (error instanceof BpfError) return error;
    throw error;
  }
  throw new Error('It did not fail');
}

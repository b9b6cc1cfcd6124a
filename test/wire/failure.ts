import { Failure } from '../../src/features/failure.ts';

/** The Failure that something ends with; anything else is an error of the test's own. */
export async function failureOf(asked: Promise<unknown>): Promise<Failure> {
  let outcome: unknown;
  try {
    outcome = await asked;
  } catch (error) {
    if (error instanceof Failure) return error;
    throw new Error('Not told as a Failure', { cause: error });
  }
  throw new Error(`It was not refused: ${String(outcome)}`);
}

import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../../features/failure.ts';
import { Unreachable } from '../../api/unreachable.ts';
import type { Granted, Requester, Wanted } from './requester.ts';

export interface Patience {
  /** For one attempt. */
  attemptMs: number;
  /** For all attempts together; null is a single attempt. */
  totalMs: number | null;
  signal: AbortSignal;
  /** Told when an attempt failed and another will be made. */
  onFailed: (wanted: Wanted, error: Error) => void;
}

const firstPauseMs = 200;
const longestPauseMs = 5_000;

/** What may be otherwise in a moment: an endpoint comes, an agent, or room. */
const passing = (error: unknown): error is Error =>
  error instanceof Unreachable ||
  (error instanceof Failure && ['not_found', 'exhausted', 'failed', 'timeout'].includes(error.code));

const isTimeout = (error: unknown): boolean => error instanceof Failure && error.code === 'timeout';

async function persist(requester: Requester, wanted: Wanted, patience: Patience): Promise<Granted> {
  const { attemptMs, totalMs, signal, onFailed } = patience;
  const deadline = Date.now() + (totalMs ?? attemptMs);
  let before: Error | null = null;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    const left = deadline - Date.now();
    try {
      return await requester.request(wanted, { timeoutMs: Math.max(1, Math.min(attemptMs, left)), signal });
    } catch (error) {
      const pause = Math.min(pauseMs, deadline - Date.now());
      // That the rest of the time was too short says less than what was wrong before.
      if (before !== null && left < attemptMs && isTimeout(error)) throw before;
      if (signal.aborted || totalMs === null || !passing(error) || pause <= 0) throw error;
      before = error;
      onFailed(wanted, error);
      await sleep(pause, undefined, { signal });
    }
  }
}

/**
 * Asks for all of it at once. Where one cannot be had the others are given up, and what was granted is closed
 * again: the first failure is thrown once nothing is left.
 */
export async function obtain(
  requester: Requester,
  wanted: readonly Wanted[],
  patience: Patience,
): Promise<Granted[]> {
  const givenUp = new AbortController();
  const signal = AbortSignal.any([patience.signal, givenUp.signal]);
  const failures: unknown[] = [];
  const outcomes = await Promise.allSettled(
    wanted.map(async (each) => {
      try {
        return await persist(requester, each, { ...patience, signal });
      } catch (error) {
        failures.push(wanted.length === 1 ? error : naming(each, error));
        givenUp.abort();
        throw error;
      }
    }),
  );
  const granted = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  if (failures.length === 0) return granted;
  const left = await closeAll(granted);
  throw left.length === 0 ? failures[0] : withRest(failures[0], left);
}

/** Of several, which one. */
function naming({ service }: Wanted, error: unknown): unknown {
  if (!(error instanceof Failure)) return error;
  const { code, message, field, value, allowed } = error;
  return new Failure(code, `'${service}': ${message}`, {
    ...(field !== null && { field }),
    ...(value !== null && { value }),
    ...(allowed !== null && { allowed }),
    cause: error,
  });
}

/** In reverse; the ids of those that could not be closed. */
export async function closeAll(granted: readonly Granted[]): Promise<string[]> {
  const left: string[] = [];
  for (const each of [...granted].reverse()) {
    try {
      await each.close();
    } catch (error) {
      left.push(`${each.id} (${error instanceof Error ? error.message : String(error)})`);
    }
  }
  return left;
}

function withRest(error: unknown, left: readonly string[]): Failure {
  const why = error instanceof Error ? error.message : String(error);
  return new Failure('failed', `${why}; these could not be closed again: ${left.join(', ')}`, {
    cause: error,
  });
}

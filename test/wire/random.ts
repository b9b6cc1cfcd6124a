import { randomInt } from 'node:crypto';

/** Numbers in [0, 1) that VWIRE_SEED repeats. */
export interface Random {
  readonly seed: number;
  next: () => number;
}

/** Of VWIRE_SEED where that is set; the test prints the seed. */
export function random(): Random {
  const given = Number(process.env.VWIRE_SEED);
  const seed = Number.isInteger(given) && given > 0 ? given : randomInt(1, 2 ** 31);
  // A linear congruence modulo 2^32 (Numerical Recipes' constants): even enough to choose moments by.
  let state = seed >>> 0;
  return {
    seed,
    next: () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    },
  };
}

/** Waits so many microseconds; the last two milliseconds by looking at the clock. */
export async function microseconds(us: number): Promise<void> {
  const end = process.hrtime.bigint() + BigInt(Math.round(us * 1000));
  if (us > 2000) await new Promise((resolve) => setTimeout(resolve, us / 1000 - 2));
  while (process.hrtime.bigint() < end);
}

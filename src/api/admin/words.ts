import { Failure } from '../../features/failure.ts';

/** Proto3 cannot tell empty from absent; where this is used nothing may be empty. */
export const orNull = (text: string): string | null => (text === '' ? null : text);

/** An agent newer than its client may say a word that the client does not have. */
export function wordOf<W extends string>(words: Readonly<Record<W, number>>, value: number, what: string): W {
  const word = (Object.keys(words) as W[]).find((key) => words[key] === value);
  if (word !== undefined) return word;
  throw new Failure(
    'failed',
    `The agent answered with a ${what} this client does not know (${value}): use the vwire of the agent's version`,
  );
}

/** A part of an answer that is always there. */
export function present<T>(part: T | undefined, what: string): T {
  if (part !== undefined) return part;
  throw new Failure('failed', `The agent answered without ${what}`);
}

import { describe, test } from '@jest/globals';

type Declare<Result> = (title: string, body: () => Result, timeout?: number) => void;

/** `test` and `describe`, or two that are counted as skipped. */
export interface Skippable {
  readonly test: Declare<void | Promise<void>>;
  readonly describe: (title: string, body: () => void) => void;
}

/**
 * What the machine may lack decides here, once, whether tests run: where `met` is false they are
 * declared as skipped and carry the reason in their title, from where scripts/tally.mjs prints it as
 * `SKIP title: reason` at the end of the run. One without a reason fails the run.
 *
 *     const { test } = skipUnless(release >= 6.6, 'tcx needs Linux 6.6');
 */
export function skipUnless(met: boolean, reason: string): Skippable {
  if (met) return { test, describe };
  const marked = (title: string): string => `${title} [SKIP: ${reason}]`;
  const { skip: skipTest } = test;
  const { skip: skipDescribe } = describe;
  return {
    test: (title, body, timeout) => {
      skipTest(marked(title), body, timeout);
    },
    describe: (title, body) => {
      skipDescribe(marked(title), body);
    },
  };
}

import { describe, expect, test } from '@jest/globals';
import { BpfError } from '../../loader/error.ts';

/*
 * Every method of a handle in every state it can be in: 'ok', or the code of the error. A method that is
 * missing from the table fails the test.
 */
export interface Matrix<H extends object> {
  /** The class, whose prototype tells which methods there are. */
  readonly of: { readonly prototype: H; readonly name: string };
  readonly states: Readonly<Record<string, () => H | Promise<H>>>;
  /** Method or getter: what to do, then the outcome per state, in the order of `states`. */
  readonly methods: Readonly<Record<string, readonly [act: (handle: H) => unknown, ...outcomes: string[]]>>;
}

/** 'ok', or the code of the BpfError. */
export function outcome(act: () => unknown): string {
  try {
    act();
    return 'ok';
  } catch (error) {
    if (error instanceof BpfError) return error.code;
    throw error;
  }
}

export function holds<H extends object>({ of, states, methods }: Matrix<H>): void {
  describe(of.name, () => {
    test('has no method that is missing here', () => {
      const all = Object.getOwnPropertyNames(of.prototype).filter((name) => name !== 'constructor');
      expect(Object.keys(methods).sort()).toEqual(all.sort());
    });
    const names = Object.keys(states);
    const rows = Object.entries(methods).flatMap(([method, [act, ...outcomes]]) =>
      names.map((state, i) => ({ method, state, act, expected: outcomes[i] })),
    );
    test.each(rows)('$method, $state: $expected', async ({ state, act, expected }) => {
      const handle = await states[state]?.();
      if (!handle) throw new Error('No such state');
      expect(outcome(() => act(handle))).toBe(expected);
    });
  });
}

/** Closed, and once more. */
export function closed<H extends { close(): void }>(handle: H): H {
  handle.close();
  handle.close();
  return handle;
}

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { NumberSet } from './number-set.ts';
import '../../../test/net/arbitrary.ts'; // VWIRE_SEED

type Step = ['add' | 'delete' | 'firstMissing' | 'has', bigint];

const steps = (bits: number): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.tuple(
      fc.constantFrom<Step[0]>('add', 'add', 'add', 'delete', 'firstMissing', 'has'),
      fc.bigInt({ min: 0n, max: 2n ** BigInt(bits) - 1n }),
    ),
    { maxLength: 200 },
  );

describe('a set of numbers', () => {
  test.each([0, 1, 4, 5, 6, 8, 10])('of %d bits does what a plain set does', (bits) => {
    fc.assert(
      fc.property(steps(bits), (all) => {
        const set = new NumberSet(bits);
        const plain = new Set<bigint>();
        for (const [act, number] of all) {
          switch (act) {
            case 'add':
              expect(set.add(number)).toBe(!plain.has(number));
              plain.add(number);
              break;
            case 'delete':
              expect(set.delete(number)).toBe(plain.delete(number));
              break;
            case 'has':
              expect(set.has(number)).toBe(plain.has(number));
              break;
            case 'firstMissing': {
              let expected: bigint | null = number;
              while (expected < 2n ** BigInt(bits) && plain.has(expected)) expected += 1n;
              if (expected === 2n ** BigInt(bits)) expected = null;
              expect(set.firstMissing(number)).toBe(expected);
            }
          }
          expect(set.size).toBe(plain.size);
        }
      }),
    );
  });

  test('is full and empty again', () => {
    const set = new NumberSet(12);
    for (let i = 0n; i < 4096n; i += 1n) expect(set.firstMissing(0n)).toBe(add(set, i));
    expect(set.firstMissing(0n)).toBeNull();
    for (let i = 4095n; i >= 0n; i -= 1n) {
      set.delete(i);
      expect(set.firstMissing(0n)).toBe(i);
    }
    expect(set.size).toBe(0);
  });

  test('of 128 bits has its last number', () => {
    const set = new NumberSet(128);
    const last = 2n ** 128n - 1n;
    expect(set.add(last)).toBe(true);
    expect(set.firstMissing(last)).toBeNull();
    expect(set.firstMissing(last - 1n)).toBe(last - 1n);
  });
});

function add(set: NumberSet, number: bigint): bigint {
  set.add(number);
  return number;
}

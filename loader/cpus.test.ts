import { expect, test } from '@jest/globals';
import { countCpus, possibleCpus } from './cpus.ts';

test.each([
  ['0\n', 1],
  ['0-1', 2],
  ['0-3,5', 5],
  ['0-63,128-191', 128],
])('%j counts %d', (list, count) => {
  expect(countCpus(list)).toBe(count);
});

test('nonsense is refused', () => {
  expect(() => countCpus('all')).toThrow("'all' is not a list of CPUs");
});

test('this machine has some', () => {
  expect(possibleCpus()).toBeGreaterThan(0);
});

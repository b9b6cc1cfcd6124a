import { expect, test } from '@jest/globals';
import { goDurationOf } from './go-duration.ts';

test.each([
  ['0', 0],
  ['750ms', 750],
  ['10m', 600_000],
  ['1h30m', 5_400_000],
  ['1.5h', 5_400_000],
  ['.5s', 500],
  ['2.s', 2_000],
  ['1h2m3s4ms5us6µs7μs8ns', 3_723_004.018008],
])('%s', (text, ms) => {
  expect(goDurationOf('X', text)).toBeCloseTo(ms, 6);
});

test.each(['', '5', 's', '-5s', '1h 2m', '5 s', '1d', '.s', '1e3s'])('not %j', (text) => {
  expect(() => goDurationOf('NSM_X', text)).toThrow(`NSM_X is '${text}': it takes a duration of Go such as`);
});

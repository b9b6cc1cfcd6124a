import { describe, expect, test } from '@jest/globals';
import { durationOf } from './duration.ts';
import { age } from './output/age.ts';
import { terminalOf } from './shell/io.ts';
import { sideOf } from './side.ts';

describe('--left and --right', () => {
  test.each([
    ['a', { netns: 'a', name: null, mac: null, addresses: [] }],
    ['path:/run/netns/a=b', { netns: 'path:/run/netns/a=b', name: null, mac: null, addresses: [] }],
    [
      'pid:1,address=fd00::1/64,name=e=0,address=10.0.0.1/24,mac=02:00:00:00:00:01',
      { netns: 'pid:1', name: 'e=0', mac: '02:00:00:00:00:01', addresses: ['fd00::1/64', '10.0.0.1/24'] },
    ],
  ])('%s', (typed, side) => {
    expect(sideOf('left', typed)).toEqual(side);
  });

  test.each([
    ['', 'right.netns', 'the namespace comes first'],
    [',name=a', 'right.netns', 'the namespace comes first'],
    ['name=a,b', 'right.netns', 'the namespace comes first'],
    ['a,', 'right', "'' is none of name=, address=, mac="],
    ['a,b', 'right', "'b' is none of name=, address=, mac="],
    ['a,mtu=1', 'right', "'mtu=1' is none of name=, address=, mac="],
    ['a,=1', 'right', "'=1' is none of name=, address=, mac="],
    ['a,name=', 'right.name', "'name=' has no value"],
    ['a,name=b,name=c', 'right.name', "'name=' is given twice"],
    ['a,mac=b,mac=b', 'right.mac', "'mac=' is given twice"],
  ])('%s is refused', (typed, field, message) => {
    expect(() => sideOf('right', typed)).toThrow(
      expect.objectContaining({
        code: 'invalid',
        field,
        value: typed,
        message: expect.stringContaining(message),
      }),
    );
  });
});

test.each([
  ['5', 5_000],
  ['0', 0],
  ['1.5s', 1_500],
  ['20ms', 20],
  ['2m', 120_000],
  ['24h', 86_400_000],
])('%s is %d ms', (typed, ms) => {
  expect(durationOf('timeout', typed)).toBe(ms);
});

test.each(['', 's', '-1s', '1d', '25h', '1e3', '1 s', '99999999h'])('%p is no duration', (typed) => {
  expect(() => durationOf('timeout', typed)).toThrow(
    expect.objectContaining({ code: 'invalid', field: 'timeout' }),
  );
});

test.each([
  ['2026-01-02T04:05:06.000Z', '0s'],
  ['2026-01-02T05:00:00.000Z', '0s'],
  ['2026-01-02T04:05:01.500Z', '4s'],
  ['2026-01-02T04:00:00.000Z', '5m6s'],
  ['2026-01-02T04:05:06.000+01:00', '1h'],
  ['2025-12-31T01:00:06.000Z', '2d3h'],
  ['soon', '?'],
])('since %s is %s', (since, text) => {
  expect(age(since, new Date('2026-01-02T04:05:06.000Z'))).toBe(text);
});

test('colour needs a terminal that can, and nobody who said NO_COLOR', () => {
  const tty = { isTTY: true };
  expect(terminalOf(tty, {})).toEqual({ watched: true, colour: true });
  expect(terminalOf(tty, { NO_COLOR: '' })).toEqual({ watched: true, colour: true });
  expect(terminalOf(tty, { NO_COLOR: '1' })).toEqual({ watched: true, colour: false });
  expect(terminalOf(tty, { TERM: 'dumb' })).toEqual({ watched: true, colour: false });
  expect(terminalOf({}, {})).toEqual({ watched: false, colour: false });
});

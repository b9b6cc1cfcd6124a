import { describe, expect, test } from '@jest/globals';
import { type CommandLineOptions, type Done, vwire } from '../../test/fake/command-line.ts';
import type { Counted, Sample, Sampler, WireSample } from '../features/connection/api.ts';
import { ratesLines, short } from './output/rates.ts';
import { type Rates, ratesBetween, sorted } from './rates.ts';
import type { Screen } from './shell/screen.ts';

const counted = (packets: bigint, bytes: bigint, dropped = 0n): Counted => ({
  packets,
  segments: 2n * packets,
  bytes,
  dropped,
});
const none = counted(0n, 0n);
const wire = (id: number, leftToRight: Counted, rightToLeft: Counted, more: Partial<WireSample> = {}) => ({
  wire: id,
  connection: `wire-${id}`,
  clientId: null,
  service: null,
  leftToRight,
  rightToLeft,
  ...more,
});

const samples: Sample[] = [
  { atMs: 5_000, wires: [wire(1, counted(10n, 1_000n), none), wire(7, none, none)] },
  {
    atMs: 7_000,
    wires: [
      wire(0, counted(0n, 0n, 5n), none, { connection: '' }),
      wire(1, counted(30n, 3_000n), counted(2n ** 40n, 2n ** 50n)),
      wire(7, counted(2_000_000n, 3_000_000_000n, 40n), none, {
        connection: 'c1',
        clientId: 'nsc-0\u001b[2J',
        service: 'my-service',
      }),
      wire(8, counted(4n, 400n), none),
    ],
  },
];

/** Each sample in turn, the last one again and again. */
class FakeSampler implements Sampler {
  taken = 0;
  closed = false;

  sample(): Sample {
    const sample = samples[Math.min(this.taken++, samples.length - 1)];
    if (sample === undefined) throw new Error('no sample');
    return { ...sample, atMs: sample.atMs + 1_000 * Math.max(0, this.taken - samples.length) };
  }

  close(): void {
    this.closed = true;
  }
}

const rates = (): Rates => {
  const [before, after] = samples;
  if (before === undefined || after === undefined) throw new Error('two samples');
  return ratesBetween(before, after);
};
const terminal = { watched: true, colour: false };

test('rates are what was counted between two samples', () => {
  expect(rates()).toEqual({
    seconds: 2,
    wires: [
      expect.objectContaining({ wire: 0, leftToRight: { packets: 0, segments: 0, bits: 0, dropped: 2.5 } }),
      expect.objectContaining({
        wire: 1,
        leftToRight: { packets: 10, segments: 20, bits: 8_000, dropped: 0 },
        rightToLeft: { packets: 2 ** 39, segments: 2 ** 40, bits: 2 ** 52, dropped: 0 },
      }),
      expect.objectContaining({ wire: 7 }),
      expect.objectContaining({ wire: 8, leftToRight: { packets: 2, segments: 4, bits: 1_600, dropped: 0 } }),
    ],
  });
  const [before, after] = samples;
  if (before === undefined || after === undefined) throw new Error('two samples');
  // An agent's new tables begin at nothing.
  const backwards = ratesBetween({ ...after, atMs: 0 }, { ...before, atMs: 1_000 });
  expect(backwards.wires[0]?.leftToRight).toEqual({ packets: 0, segments: 0, bits: 0, dropped: 0 });
});

test.each([
  ['bits', [1, 7, 8, 0]],
  ['packets', [1, 7, 8, 0]],
  ['dropped', [7, 0, 1, 8]],
  ['wire', [0, 1, 7, 8]],
] as const)('sorted by %s', (order, wires) => {
  expect(sorted(rates().wires, order).map(({ wire: id }) => id)).toEqual(wires);
});

test.each([
  [0, '0'],
  [0.4, '0'],
  [7, '7'],
  [999, '999'],
  [999.6, '1.0k'],
  [1_234, '1.2k'],
  [9_960, '10k'],
  [34_000_000, '34M'],
  [999_499, '999k'],
  [999_500, '1.0M'],
  [2 ** 52, '4.5P'],
  [1e18, '1000P'],
])('%d is short for %s', (value, text) => {
  expect(short(value)).toBe(text);
});

test.each([200, 80, 70, 60, 50, 40, 30, 20, 10, 3, 1])('no line is wider than %d columns', (width) => {
  const lines = ratesLines(rates(), terminal, { width, height: 20 });
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(width);
  expect(lines).toMatchSnapshot();
});

test.each([10, 5, 4, 3, 2, 1, 0])('there are %d lines at most', (height) => {
  const lines = ratesLines(rates(), terminal, { width: 100, height });
  expect(lines.length).toBeLessThanOrEqual(Math.max(1, height));
  if (height === 4) expect(lines.at(-1)).toBe('and 2 more');
});

const top = (line: string, sampler: Sampler, options: CommandLineOptions = {}): Promise<Done> =>
  vwire(line, { sources: { openSampler: async () => sampler }, ...options });

describe('one sample', () => {
  test.each(['top --once', 'top --json', 'top'])('%s, piped', async (line) => {
    const sampler = new FakeSampler();
    const { code, out, err } = await top(`${line} --interval 1ms`, sampler);
    expect({ code, err, taken: sampler.taken, closed: sampler.closed }).toEqual({
      code: 0,
      err: '',
      taken: 2,
      closed: true,
    });
    expect(line === 'top --json' ? JSON.parse(out) : out).toMatchSnapshot();
  });

  test('Ctrl-C is 130', async () => {
    const sampler = new FakeSampler();
    const signal = AbortSignal.abort('SIGINT');
    expect(await top('top --once', sampler, { signal })).toMatchObject({ code: 130, out: '' });
    expect(sampler.closed).toBe(true);
  });

  test.each([
    ['--interval soon', "'--interval soon' is not a duration"],
    ['--sort size', "'--sort size' is not known: allowed are bits, packets, dropped, wire"],
  ])('top %s', async (words, message) => {
    const { code, err } = await top(`top ${words}`, new FakeSampler());
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(`vwire: ${message}`) });
  });
});

/** A terminal of a certain size that is told what wakes the verb. */
class FakeScreen implements Screen {
  readonly pictures: string[][] = [];
  readonly waits: number[] = [];
  closed = false;
  columns = 100;
  readonly #woken: ('time' | 'resized' | 'quit' | 'interrupted')[];

  constructor(...woken: ('time' | 'resized' | 'quit' | 'interrupted')[]) {
    this.#woken = woken;
  }

  size(): { columns: number; rows: number } {
    return { columns: this.columns, rows: 6 };
  }

  draw(lines: readonly string[]): void {
    this.pictures.push([...lines]);
  }

  async wait(ms: number): Promise<'time' | 'resized' | 'quit' | 'interrupted'> {
    this.waits.push(ms);
    const woken = this.#woken.shift() ?? 'quit';
    if (woken === 'resized') this.columns = 40;
    return woken;
  }

  close(): void {
    this.closed = true;
  }
}

describe('on a terminal', () => {
  test('it is drawn anew each interval and after a resize, until q', async () => {
    const screen = new FakeScreen('time', 'resized', 'time', 'quit');
    const sampler = new FakeSampler();
    const { code, out } = await top('top --interval 10ms --sort dropped', sampler, { screen, terminal });
    expect({ code, out }).toEqual({ code: 0, out: '' });
    // An interval too short to count in is made longer.
    expect(screen.waits).toEqual([100, 100, 100, 100]);
    expect(screen.pictures).toMatchSnapshot();
    expect([sampler.taken, sampler.closed, screen.closed]).toEqual([3, true, true]);
  });

  test('Ctrl-C is 130, and what fails gives the terminal back', async () => {
    expect(
      (await top('top', new FakeSampler(), { screen: new FakeScreen('interrupted'), terminal })).code,
    ).toBe(130);
    const screen = new FakeScreen('time');
    const sampler = new FakeSampler();
    sampler.sample = () => {
      if (sampler.taken++ > 0) throw new Error('gone');
      return { atMs: 0, wires: [] };
    };
    expect(await top('top', sampler, { screen, terminal })).toMatchObject({ code: 1, err: 'vwire: gone\n' });
    expect([screen.closed, sampler.closed]).toEqual([true, true]);
  });
});

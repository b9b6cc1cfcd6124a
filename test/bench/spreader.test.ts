import { beforeEach, describe, expect, test } from '@jest/globals';
import { End } from './spreader.mjs';

const PERIOD_MS = 25;
const idle = { cpu: 1, idle: 0.7 };

interface Traffic {
  /** Packets a second. */
  rate: number;
  /** Bytes a packet. */
  size: number;
  /** Segments a packet. */
  segments: number;
}
const small: Traffic = { rate: 400_000, size: 60, segments: 1 };

describe('a host end', () => {
  let end: End;
  let mask: number;
  let at: number;
  let sum: Traffic;

  beforeEach(() => {
    mask = -1;
    end = new End((cpus) => (mask = cpus));
    at = 0;
    sum = { rate: 0, size: 0, segments: 0 };
  });

  /** Lets traffic flow for a time. What gets through may depend on whether it is steered. */
  function flow(traffic: (steered: boolean) => Traffic, ms: number, cpu = idle): void {
    for (const until = at + ms; at < until;) {
      at += PERIOD_MS;
      const { rate, size, segments } = traffic(mask !== 0);
      const packets = (rate * PERIOD_MS) / 1000;
      sum = {
        rate: sum.rate + packets,
        size: sum.size + packets * size,
        segments: sum.segments + packets * segments,
      };
      const whole = (value: number): bigint => BigInt(Math.round(value));
      end.look({ packets: whole(sum.rate), segments: whole(sum.segments), bytes: whole(sum.size) }, at, cpu);
    }
  }
  const faster = (steered: boolean): Traffic => ({ ...small, rate: steered ? 640_000 : 400_000 });

  test('is left alone at first, and moved to the idle CPU while more gets through', () => {
    expect(mask).toBe(0);
    flow(faster, 1000);
    expect(end.decisions.map(({ name }) => name)).toEqual(['trial', 'on']);
    expect(mask).toBe(0b10);
    end.stop();
    expect(mask).toBe(0);
  });

  test.each<[string, Traffic, typeof idle]>([
    ['few packets', { ...small, rate: 20_000 }, idle],
    ['large packets', { ...small, size: 1500 }, idle],
    ['packets that stand for many', { ...small, size: 100, segments: 64 }, idle],
    ['no CPU with time left', small, { cpu: 1, idle: 0.1 }],
  ])('is left alone with %s', (_, traffic, cpu) => {
    flow(() => traffic, 3000, cpu);
    expect(end.decisions).toEqual([]);
    expect(mask).toBe(0);
  });

  test('is moved back when nothing is won, and tried again more and more rarely', () => {
    flow(() => small, 20_000);
    expect(mask).toBe(0);
    const trials = end.decisions.filter(({ name }) => name === 'trial').map((decision) => decision.at);
    expect(end.decisions.some(({ name }) => name === 'on')).toBe(false);
    const pauses = trials.slice(1).map((time, i) => time - (trials[i] ?? 0));
    expect(pauses.length).toBeGreaterThan(2);
    expect(pauses).toEqual([...pauses].sort((a, b) => a - b));
  });

  test('is moved back in overload, when less gets through than before', () => {
    flow(faster, 1000);
    expect(mask).toBe(0b10);
    flow((steered) => ({ ...small, rate: steered ? 150_000 : 400_000 }), 250);
    expect(mask).toBe(0);
    expect(end.decisions.map(({ name }) => name)).toEqual(['trial', 'on', 'off']);
  });

  test('is moved back when the traffic changes its kind, but not for one odd look', () => {
    flow(faster, 1000);
    flow(() => ({ ...small, rate: 0 }), PERIOD_MS);
    flow(faster, 100);
    expect(mask).toBe(0b10);
    flow(() => ({ ...small, size: 1400 }), 2 * PERIOD_MS);
    expect(mask).toBe(0);
  });
});

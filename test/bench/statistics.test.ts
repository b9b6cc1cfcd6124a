import { describe, expect, test } from '@jest/globals';
import { median, ratios, summary } from './statistics.mjs';

describe('median', () => {
  test('is the middle of an odd number of values, in whatever order', () => {
    expect(median([9, 1, 5])).toBe(5);
  });
  test('is between the two middle ones of an even number', () => {
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });
  test('compares numbers, not their spelling', () => {
    expect(median([10, 9, 100])).toBe(10);
  });
  test('leaves its argument as it was', () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });
  test('refuses to say anything about nothing', () => {
    expect(() => median([])).toThrow('The median of no values');
  });
});

describe('ratios', () => {
  test('compare within a round, so that drift between rounds cancels', () => {
    expect(ratios([90, 45, 180], [100, 50, 200])).toEqual({ median: 0.9, low: 0.9, high: 0.9 });
  });
  test('keep the extremes', () => {
    expect(ratios([50, 80, 120], [100, 100, 100])).toEqual({ median: 0.8, low: 0.5, high: 1.2 });
  });
  test('pass over rounds that lack one side or divide by 0', () => {
    expect(ratios([50, null, 70, 80], [100, 100, null, 0])).toEqual({ median: 0.5, low: 0.5, high: 0.5 });
  });
  test('are null when no round is left', () => {
    expect(ratios([null], [1])).toBeNull();
    expect(ratios([], [])).toBeNull();
  });
});

describe('summary', () => {
  test('gives median and extremes of what was measured, and the ratio of whole rounds', () => {
    const samples = [{ value: 8, cpu: 1.5 }, null, { value: 12, cpu: 1.7 }];
    expect(summary('bridge', 'Gbit/s', samples, [10, 10, 10])).toEqual({
      name: 'bridge',
      unit: 'Gbit/s',
      median: 10,
      min: 8,
      max: 12,
      ratio: { median: 1, low: 0.8, high: 1.2 },
      cpu: 1.6,
    });
  });
  test('is null for a subject that was never measured', () => {
    expect(summary('bridge', 'Gbit/s', [null, null], [10, 10])).toBeNull();
  });
});

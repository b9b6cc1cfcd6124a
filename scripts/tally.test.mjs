import { afterAll, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { skipsOf, sumOf } from './tally.mjs';

const folder = mkdtempSync(join(tmpdir(), 'vwire-tally-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const results = (...tests) => ({
  testResults: [{ testResults: tests.map(([status, fullName]) => ({ status, fullName })) }],
});

test('skips are told once per reason, with how many tests they took along', () => {
  expect(
    skipsOf(
      results(
        ['passed', 'wire carries'],
        ['pending', 'wire over tcx [SKIP: needs Linux 6.6]'],
        ['pending', 'wire vxlan [SKIP: no vxlan] carries'],
        ['pending', 'wire vxlan [SKIP: no vxlan] counts'],
      ),
    ),
  ).toEqual({
    told: ['SKIP wire over tcx: needs Linux 6.6', 'SKIP wire vxlan (2 tests): no vxlan'],
    silent: [],
    skipped: 3,
  });
});

test('a skip without a reason is silent, and so is a todo', () => {
  expect(skipsOf(results(['pending', 'a'], ['todo', 'b'])).silent).toEqual(['a', 'b']);
});

test('runs are added up, the last of the same run counting, and no file is no run', () => {
  const file = join(folder, 'tally');
  expect(sumOf(file)).toEqual({ passed: 0, failed: 0, skipped: 0 });
  const lines = [
    { label: 'unit', passed: 1, failed: 1, skipped: 0 },
    { label: 'root', passed: 5, failed: 0, skipped: 2 },
    { label: 'unit', passed: 2, failed: 0, skipped: 1 },
  ].map((run) => JSON.stringify(run));
  writeFileSync(file, `${lines.join('\n')}\n`);
  expect(sumOf(file)).toEqual({ passed: 7, failed: 0, skipped: 3 });
});

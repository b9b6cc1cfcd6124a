import { expect, test } from '@jest/globals';
import { vwire } from '../../test/fake/command-line.ts';
import type { Finding } from './shell/sources.ts';

const well: Finding = { name: 'kernel', status: 'ok', detail: '6.18.0', remedy: null };
const warning: Finding = { name: 'BPF JIT', status: 'warning', detail: 'off', remedy: 'Turn it on' };
const failure: Finding = { name: 'bpffs', status: 'failure', detail: 'not mounted', remedy: 'Mount it' };

const sources = (...findings: Finding[]) => ({
  doctor: async function* () {
    yield* findings;
  },
});

test.each([
  [[well], 0],
  [[well, warning], 10],
  [[failure, warning, well], 11],
  [[], 0],
])('%j exits with %d', async (findings, exit) => {
  const found = await vwire('doctor', { sources: sources(...findings) });
  expect(found.code).toBe(exit);
  const json = await vwire('doctor --json', { sources: sources(...findings) });
  expect(json.code).toBe(exit);
  expect(JSON.parse(json.out)).toEqual({ schema: 'vwire/v1', kind: 'Doctor', items: findings });
});

test('each finding is a line, with what to do below it', async () => {
  const { out } = await vwire('doctor', { sources: sources(well, warning, failure) });
  expect(out).toMatchSnapshot();
});

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { vwire } from '../../test/fake/command-line.ts';
import { MemoryWires, specOf } from '../../test/fake/wires.ts';
import type { Agent, AgentConfig } from '../agent.ts';
import { AdminClient } from '../api/admin/client.ts';
import { Failure } from '../features/failure.ts';

let runDir: string;
let steps: string[];
let config: AgentConfig | null;

beforeEach(() => {
  runDir = mkdtempSync(join(tmpdir(), 'vwire-agent-'));
  steps = [];
  config = null;
});

afterEach(() => {
  rmSync(runDir, { recursive: true });
});

const agentOf = (wires: MemoryWires): Agent => ({
  wires,
  status: (): never => {
    throw new Error('not asked here');
  },
  stop: async () => {
    steps.push('stopped');
  },
});

const startAgent = async (given: AgentConfig): Promise<Agent> => {
  steps.push('started');
  config = given;
  given.logger.debug('of the agent');
  return agentOf(new MemoryWires());
};

const logged = (out: string): Record<string, unknown>[] =>
  out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test('it says when it is ready, serves, and stops in reverse when told', async () => {
  const stop = new AbortController();
  const readyFile = join(runDir, 'ready');
  let answered: Promise<unknown> | null = null;
  const { code, out, err } = await vwire(`agent --run-dir ${runDir} --ready-file ${readyFile}`, {
    sources: { startAgent },
    signal: stop.signal,
    onOut: (text) => {
      if (answered !== null || !text.includes('"ready"')) return;
      expect(readFileSync(readyFile, 'utf8')).toBe(`${process.pid}\n`);
      const socketPath = join(runDir, 'default', 'admin.sock');
      const client = new AdminClient({ socketPath, instance: 'default', timeoutMs: 10_000, signal: null });
      answered = client.add(specOf('a', 'b')).finally(() => {
        client.close();
        stop.abort('SIGTERM');
      });
    },
  });
  expect({ code, err }).toEqual({ code: 0, err: '' });
  await expect(answered).resolves.toMatchObject({ id: 1 });
  expect(steps).toEqual(['started', 'stopped']);
  expect(existsSync(readyFile)).toBe(false);
  expect(existsSync(join(runDir, 'default', 'admin.sock'))).toBe(false);
  expect(logged(out)).toMatchObject([
    { level: 'info', msg: 'ready', instance: 'default', socket: join(runDir, 'default', 'admin.sock') },
    { level: 'info', msg: 'stopping, wires go on forwarding', signal: 'SIGTERM' },
    { level: 'info', msg: 'stopped' },
  ]);
});

test('its settings reach the agent as one object', async () => {
  const flags =
    '--allow-host-netns --orphan-grace 2m --max-wires 10 --log-level debug --instance two --bpffs /b';
  const { out } = await vwire(`agent --run-dir ${runDir} ${flags}`, {
    sources: { startAgent },
    signal: AbortSignal.abort('SIGINT'),
  });
  expect(config).toMatchObject({
    instance: 'two',
    runDir,
    bpffs: '/b',
    allowHostNetns: true,
    orphanGraceMs: 120_000,
    maxWires: 10,
  });
  expect(logged(out)[0]).toMatchObject({ level: 'debug', msg: 'of the agent', instance: 'two' });
});

test('what is not said has a default', async () => {
  await vwire(`agent --run-dir ${runDir}`, { sources: { startAgent }, signal: AbortSignal.abort('SIGINT') });
  expect(config).toMatchObject({
    instance: 'default',
    bpffs: '/sys/fs/bpf',
    allowHostNetns: false,
    orphanGraceMs: 60_000,
    maxWires: null,
  });
});

const refuse = async (): Promise<never> => {
  throw new Failure('refused', 'Instance is in use', { field: 'instance', value: 'default' });
};

test.each([
  ['a killed agent', 4194304, false],
  ['an earlier agent with our pid', process.pid, false],
  ['a living agent', process.ppid, true],
])('an agent that cannot start says why; the ready file of %s', async (_title, pid, stays) => {
  const readyFile = join(runDir, 'ready');
  writeFileSync(readyFile, `${pid}\n`);
  const line = `agent --run-dir ${runDir} --ready-file ${readyFile}`;
  const { code, err } = await vwire(line, { sources: { startAgent: refuse } });
  expect({ code, err }).toEqual({ code: 4, err: 'vwire: Instance is in use\n' });
  expect(existsSync(readyFile)).toBe(stays);
});

test('what fails after the agent has started stops it again', async () => {
  const { code, err } = await vwire(`agent --run-dir ${runDir} --ready-file ${runDir}/no/ready`, {
    sources: { startAgent },
  });
  expect(code).toBe(1);
  expect(err).toContain('ENOENT');
  expect(steps).toEqual(['started', 'stopped']);
  expect(existsSync(join(runDir, 'default', 'admin.sock'))).toBe(false);
});

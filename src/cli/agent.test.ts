import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { vwire } from '../../test/fake/command-line.ts';
import { MemoryAgent } from '../../test/fake/agent.ts';
import { specOf } from '../../test/fake/wires.ts';
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

class StoppableAgent extends MemoryAgent implements Agent {
  readonly urls: readonly string[] = [];
  async stop(): Promise<void> {
    steps.push('stopped');
  }
}

const startAgent = async (given: AgentConfig): Promise<Agent> => {
  steps.push('started');
  config = given;
  given.logs.of('wire').debug('of the agent');
  return new StoppableAgent();
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

test('what is said of workloads reaches it too', async () => {
  const listen = '--listen unix:///w/a.sock --listen tcp://[::]:5001 --listen tcp://127.0.0.1:5002';
  const rest = '--trust 0 --trust 1000 --heal-grace 5s --max-connections 7 --max-connections-per-netns 3';
  const tls = '--tls-cert /c --tls-key /k --tls-ca /a';
  await vwire(`agent --run-dir ${runDir} ${listen} ${rest} ${tls}`, {
    sources: { startAgent },
    signal: AbortSignal.abort('SIGINT'),
  });
  expect(config).toMatchObject({
    listen: ['unix:///w/a.sock', 'tcp://[::]:5001', 'tcp://127.0.0.1:5002'],
    trust: [0, 1000],
    healGraceMs: 5_000,
    maxConnections: 7,
    maxConnectionsPerNetns: 3,
    tls: { cert: '/c', key: '/k', ca: '/a' },
  });
});

test('each subsystem logs at its level, and no line holds a token', async () => {
  const start = async (given: AgentConfig): Promise<Agent> => {
    given.logs.of('wire').info('unheard');
    given.logs.of('nsm').debug({ path: { pathSegments: [{ token: 'abc' }] } }, 'heard');
    return startAgent(given);
  };
  const { out } = await vwire(`agent --run-dir ${runDir} --log-level nsm=debug,warn`, {
    sources: { startAgent: start },
    signal: AbortSignal.abort('SIGINT'),
  });
  expect(logged(out)).toEqual([
    expect.objectContaining({
      level: 'debug',
      subsystem: 'nsm',
      path: { pathSegments: [{ token: '[redacted]' }] },
      msg: 'heard',
    }),
  ]);
});

test('what is not said has a default', async () => {
  await vwire(`agent --run-dir ${runDir}`, { sources: { startAgent }, signal: AbortSignal.abort('SIGINT') });
  expect(config).toMatchObject({
    instance: 'default',
    bpffs: '/sys/fs/bpf',
    allowHostNetns: false,
    orphanGraceMs: 60_000,
    maxWires: null,
    listen: [`unix://${runDir}/default/workload/agent.sock`],
    trust: [],
    healGraceMs: 30_000,
    maxConnections: null,
    maxConnectionsPerNetns: 1000,
    tls: null,
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

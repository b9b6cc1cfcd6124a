import { beforeEach, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CommandLineOptions, type Done, vwire } from '../../../test/fake/command-line.ts';
import { Mute } from '../../../test/fake/mute.ts';
import { MemoryRequester } from '../../../test/fake/requester.ts';
import { Failure } from '../../features/failure.ts';
import { connect } from './library.ts';

let agent: MemoryRequester;

beforeEach(() => {
  agent = new MemoryRequester();
});

const ask = (line: string, options: CommandLineOptions = {}): Promise<Done> =>
  vwire(line, { sources: { connect: agent.connect }, ...options });

const missing = (): Failure =>
  new Failure('not_found', "No endpoint of service 'a'", { field: 'service', value: 'a' });

test('its environment is honoured', async () => {
  const env = {
    NSM_NAME: 'nsc',
    NSM_CONNECT_TO: 'unix:///var/lib/nsm.sock',
    NSM_LABELS: 'app:web,zone=a',
    NSM_NETWORK_SERVICES:
      'kernel://my-service/nsm-1?app=db&x=1&x=2, kernel://icmp@dc.example.com,kernel://b/i/j',
    NSM_REQUEST_TIMEOUT: '1m30s',
    NSM_DIAL_TIMEOUT: '750ms',
    NSM_MAX_TOKEN_LIFETIME: '24h',
    NSM_LOG_LEVEL: 'ERROR',
    POD_NAME: 'pod-7',
    NODE_NAME: 'node-1',
  };
  agent.failures.set('b', [missing()]);
  expect(await ask('request', { env })).toMatchObject({ code: 0, err: '' });
  expect(agent.options).toMatchObject({
    agent: 'unix:///var/lib/nsm.sock',
    name: 'nsc',
    dialTimeoutMs: 750,
  });
  const here = { zone: 'a', podName: 'pod-7', nodeName: 'node-1' };
  expect(agent.requests.slice(0, 3)).toMatchObject([
    {
      service: 'my-service',
      interface: 'nsm-1',
      labels: { app: 'db', x: '1,2', ...here },
      id: 'nsc-0',
      ttlMs: null,
    },
    { service: 'icmp@dc.example.com', interface: null, labels: { app: 'web', ...here }, id: 'nsc-1' },
    { service: 'b', interface: 'j', id: 'nsc-2' },
  ]);
  expect(agent.times[0]?.timeoutMs).toBe(90_000);

  const stop = AbortSignal.abort('SIGTERM');
  agent = new MemoryRequester();
  await ask('request --hold', { env, signal: stop });
  expect(agent.requests[0]?.ttlMs).toBe(86_400_000);
});

test('an agent that never speaks is given up, as long as it has to speak', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vwire-mute-'));
  const mute = await Mute.at(join(folder, 'agent.sock'));
  const url = `unix://${folder}/agent.sock`;
  const refused = async (line: string, env: Record<string, string>): Promise<Done> =>
    vwire(line, { sources: { connect }, env: { NSM_CONNECT_TO: url, ...env } });
  const err = (ms: number): string =>
    `vwire: Cannot connect to '${url}' within ${ms} ms: nobody speaks HTTP/2 there\n`;
  expect(await refused('request a', { NSM_DIAL_TIMEOUT: '40ms' })).toEqual({
    code: 5,
    out: '',
    err: err(40),
  });
  expect(await refused('request a --timeout 30ms', {})).toEqual({ code: 5, out: '', err: err(30) });
  await mute.close();
  rmSync(folder, { recursive: true });
});

test('what is typed goes first', async () => {
  const env = {
    NSM_NAME: 'nsc',
    NSM_CONNECT_TO: 'unix:///a',
    NSM_NETWORK_SERVICES: 'kernel://x',
    NSM_LABELS: 'a:1',
  };
  await ask('request typed --label a=2 --instance one', { env });
  expect(agent.options?.agent).toBe('unix:///run/vwire/one/workload/agent.sock');
  expect(agent.requests).toMatchObject([{ service: 'typed', labels: { a: '2' } }]);
  // Not nsc-0, which is the first connection of the pod's own client.
  expect(agent.requests[0]?.id).toMatch(/^nsc-[0-9a-f]{8}-0$/);
});

test.each([
  ['NSM_NETWORK_SERVICES', 'my service', "'my service': it is no URL: it takes kernel://SERVICE[/INTERFACE]"],
  [
    'NSM_NETWORK_SERVICES',
    'memif://a',
    "'memif://a': mechanism 'memif' is not supported: it takes kernel://",
  ],
  ['NSM_NETWORK_SERVICES', 'kernel:///nsm-1', "'kernel:///nsm-1': it names no service"],
  ['NSM_NETWORK_SERVICES', 'kernel://a,', "'': it is no URL"],
  ['NSM_LABELS', 'app', "'app': 'app' is no label: it takes KEY:VALUE, separated by commas"],
  ['NSM_LABELS', 'a:b,:c', "'a:b,:c': ':c' is no label"],
  ['NSM_REQUEST_TIMEOUT', '15', "'15': it takes a duration of Go such as '750ms', '15s' or '1h30m'"],
  ['NSM_DIAL_TIMEOUT', 'x5s', "'x5s': it takes a duration"],
  ['NSM_DIAL_TIMEOUT', '0ms', "'0ms': nobody connects in no time: it takes more than 0s"],
  ['NSM_MAX_TOKEN_LIFETIME', '-1m', "'-1m': it takes a duration"],
  ['NSM_LOG_LEVEL', 'LOUD', "'LOUD': it is not known: it takes TRACE, DEBUG"],
])('%s=%s cannot be right', async (name, value, message) => {
  const { code, err } = await ask('request', {
    env: { NSM_NETWORK_SERVICES: 'kernel://a', [name]: value },
  });
  expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(`vwire: ${name} is ${message}`) });
  expect(agent.requests).toEqual([]);
});

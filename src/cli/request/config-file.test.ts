import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type CommandLineOptions, type Done, vwire } from '../../../test/fake/command-line.ts';
import { MemoryRequester } from '../../../test/fake/requester.ts';
import { Unreachable } from '../../api/unreachable.ts';
import { Failure } from '../../features/failure.ts';

let agent: MemoryRequester;
let folder: string;

beforeEach(() => {
  agent = new MemoryRequester();
  folder = mkdtempSync(join(tmpdir(), 'vwire-from-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

const ask = (line: string, options: CommandLineOptions = {}): Promise<Done> =>
  vwire(line, { sources: { connect: agent.connect }, ...options });

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

const missing = (): Failure =>
  new Failure('not_found', "No endpoint of service 'a'", { field: 'service', value: 'a' });

const file = `
- service: a
  interface: nsm-1
  labels: {app: web}
- {service: b, netns: pid:7, endpoint: e, payload: IP, mtu: 1400, ttl: 30s}
`;

test('asks for all and prints an id for each', async () => {
  const path = join(folder, 'config.yaml');
  writeFileSync(path, file);
  expect(await ask(`request --from ${path} --label zone=x --label app=y --ttl 1m`)).toEqual({
    code: 0,
    out: 'c1\nc2\n',
    err: '',
  });
  expect(agent.options?.waitMs).toBe(300_000);
  expect(agent.ends).toEqual(['left']);
  const ids = agent.requests.map(({ id }) => id);
  expect(ids).toEqual([expect.stringMatching(/-0$/), expect.stringMatching(/-1$/)]);
  expect(agent.requests.map(({ id: _id, ...rest }) => rest)).toEqual([
    {
      service: 'a',
      interface: 'nsm-1',
      netns: null,
      labels: { zone: 'x', app: 'web' },
      endpoint: null,
      payload: null,
      mtu: null,
      ttlMs: 60_000,
    },
    {
      service: 'b',
      interface: null,
      netns: '/proc/7/ns/net',
      labels: { zone: 'x', app: 'y' },
      endpoint: 'e',
      payload: 'IP',
      mtu: 1400,
      ttlMs: 30_000,
    },
  ]);
});

test('tries again while an endpoint is missing, and says so once', async () => {
  agent.failures.set('a', [missing(), missing(), new Unreachable('Gone', 'x')]);
  const { code, out, err } = await ask('request --from -', { stdin: file });
  expect({ code, out }).toEqual({ code: 0, out: 'c2\nc1\n' });
  expect(err).toBe("vwire: a: No endpoint of service 'a'; trying again\nvwire: a: Gone; trying again\n");
  agent.failures.set('a', [missing()]);
  expect((await ask('request --from - --log-level error', { stdin: file })).err).toBe('');
});

test('is all or nothing: the first that cannot be had ends the others', async () => {
  agent.failures.set('b', [
    new Failure('refused', "Interface 'x' is there already", {
      field: 'interface',
      value: 'x',
      allowed: 'another',
    }),
  ]);
  expect(await ask('request --from - --json', { stdin: file })).toMatchObject({ code: 4, out: '' });
  expect(agent.ends).toEqual(['c1', 'left']);

  agent = new MemoryRequester();
  agent.silent.add('a');
  agent.failures.set('b', [new Failure('denied', 'Not yours')]);
  expect(await ask('request --from -', { stdin: file })).toEqual({
    code: 4,
    out: '',
    err: "vwire: 'b': Not yours\n",
  });
  expect(agent.ends).toEqual(['left']);
});

test('tells what it could not close again', async () => {
  agent.stuck = 'c1';
  agent.failures.set('b', [new Failure('denied', 'Not yours')]);
  expect(await ask('request --from -', { stdin: file })).toMatchObject({
    code: 1,
    err: "vwire: 'b': Not yours; these could not be closed again: c1 (The agent did not answer)\n",
  });
});

test('gives up when its time is over, with the last reason', async () => {
  agent.failures.set('a', Array.from({ length: 100 }, missing));
  expect(await ask('request --from - --timeout 20ms', { stdin: '[{service: a}]' })).toMatchObject({
    code: 3,
    err: expect.stringContaining("vwire: No endpoint of service 'a'\n"),
  });
  expect(agent.requests.length).toBeGreaterThan(1);

  // The last attempt had no time left, which is not why.
  const late = new Failure('timeout', 'The agent did not answer within 1 ms');
  agent.failures.set('a', [missing(), ...Array.from({ length: 100 }, () => late)]);
  expect(await ask('request --from - --timeout 20ms', { stdin: '[{service: a}]' })).toMatchObject({
    code: 3,
  });
  expect(agent.options?.waitMs).toBe(20);
});

test('Ctrl-C between attempts is 130', async () => {
  agent.failures.set('a', Array.from({ length: 100 }, missing));
  const interrupt = new AbortController();
  const asking = ask('request --from -', { stdin: '[{service: a}]', signal: interrupt.signal });
  await until(() => agent.requests.length === 1);
  interrupt.abort('SIGINT');
  expect(await asking).toMatchObject({ code: 130, out: '' });
});

test.each([
  ['', 'stdin: the document is null: it takes a list of {service, interface, labels, ..}'],
  ['[]', 'stdin: the document is []: it takes at least one request'],
  ['service: a', 'stdin: the document is {"service":"a"}: it takes a list of'],
  ['[{}]', "stdin: '[0].service' is missing: it takes a text"],
  [
    '[{service: a, lables: {}}]',
    "stdin: 'lables' of '[0]' is not known: allowed are service, interface, netns",
  ],
  ['[{service: a, labels: {x: 1}}]', "stdin: '[0].labels.x' is 1: it takes a text, quoted"],
  ['[{service: a, payload: X}]', 'stdin: \'[0].payload\' is "X": it takes ETHERNET or IP'],
  ['[{service: a, mtu: 0}]', "stdin: '[0].mtu' is 0: it takes a whole number of bytes from 1"],
  ['[{service: a, ttl: soon}]', "'--ttl soon' is not a duration"],
  ['[{service: a, netns: pid:x}]', "'--netns pid:x' is no namespace"],
  ['[{service: a}]\n---\n[{service: b}]', 'stdin has 2 documents: it takes one'],
  [JSON.stringify(Array.from({ length: 129 }, () => ({ service: 'a' }))), 'it takes at most 128 requests'],
])('%j cannot be right', async (stdin, message) => {
  const { code, err } = await ask('request --from -', { stdin });
  expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(message) });
  expect(agent.requests).toEqual([]);
});

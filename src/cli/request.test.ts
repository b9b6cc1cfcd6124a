import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type CommandLineOptions, type Done, vwire } from '../../test/fake/command-line.ts';
import { MemoryRequester } from '../../test/fake/requester.ts';
import { Unreachable } from '../api/unreachable.ts';
import { Failure } from '../features/failure.ts';

let agent: MemoryRequester;
let folder: string;

beforeEach(() => {
  agent = new MemoryRequester();
  folder = mkdtempSync(join(tmpdir(), 'vwire-request-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

const ask = (line: string, options: CommandLineOptions = {}): Promise<Done> =>
  vwire(line, { sources: { connect: agent.connect }, ...options });

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

const documents = (out: string): unknown[] =>
  out
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line));

const missing = (): Failure =>
  new Failure('not_found', "No endpoint of service 'a'", { field: 'service', value: 'a' });

describe('one service', () => {
  test('prints the id and leaves the connection', async () => {
    expect(await ask('request my-service')).toEqual({ code: 0, out: 'c1\n', err: '' });
    expect(agent.ends).toEqual(['left']);
    expect(agent.options).toMatchObject({
      agent: 'unix:///run/vwire/default/workload/agent.sock',
      name: null,
      waitMs: 0,
      keep: false,
    });
    expect(agent.requests).toEqual([
      {
        service: 'my-service',
        interface: null,
        netns: null,
        labels: {},
        endpoint: null,
        payload: null,
        mtu: null,
        ttlMs: null,
        id: expect.stringMatching(new RegExp(`^${hostname()}-[0-9a-f]{8}-0$`)),
      },
    ]);
    expect(agent.times[0]?.timeoutMs).toBe(15_000);
  });

  test('passes on all that is said, and shows it as JSON', async () => {
    const flags =
      '--netns pid:7 --interface nsm-1 --label app=web --label zone=a --endpoint e --mtu 1400 --payload ETHERNET ' +
      '--ttl 1m --timeout 2s --instance two --run-dir /r --json';
    const { code, out } = await ask(`request my-service ${flags}`);
    expect(code).toBe(0);
    expect(agent.options?.agent).toBe('unix:///r/two/workload/agent.sock');
    expect(agent.requests).toMatchObject([
      {
        netns: '/proc/7/ns/net',
        interface: 'nsm-1',
        labels: { app: 'web', zone: 'a' },
        endpoint: 'e',
        mtu: 1400,
        payload: 'ETHERNET',
        ttlMs: 60_000,
      },
    ]);
    expect(agent.times[0]?.timeoutMs).toBe(2_000);
    const [document] = documents(out) as [Record<string, unknown>];
    expect(document.clientId).toEqual(agent.requests[0]?.id);
    expect({ ...document, clientId: 'x', path: [] }).toMatchSnapshot();
  });

  test.each([
    ['7', '/proc/7/ns/net'],
    ['pid:7', '/proc/7/ns/net'],
    ['blue', '/run/netns/blue'],
    ['name:7', '/run/netns/7'],
    ['/proc/self/ns/net', '/proc/self/ns/net'],
    ['path:/x', '/x'],
  ])('--netns %s is %s', async (typed, path) => {
    await ask(`request s --netns ${typed}`);
    expect(agent.requests[0]?.netns).toBe(path);
  });

  test('is asked for once, and its failure is the exit code', async () => {
    agent.failures.set('a', [missing()]);
    expect(await ask('request a')).toEqual({ code: 3, out: '', err: "vwire: No endpoint of service 'a'\n" });
    expect(agent.ends).toEqual(['left']);
    const connect = async (): Promise<never> => {
      throw new Unreachable("No agent answers on 'unix:///x'", 'unix:///x');
    };
    expect(await ask('request a', { sources: { connect } })).toMatchObject({
      code: 5,
      err: "vwire: No agent answers on 'unix:///x'\n",
    });
  });

  test('Ctrl-C while the agent works exits with 130 and gives the request up', async () => {
    agent.silent.add('a');
    const interrupt = new AbortController();
    const asking = ask('request a', { signal: interrupt.signal });
    await until(() => agent.requests.length === 1);
    interrupt.abort('SIGINT');
    expect(await asking).toEqual({ code: 130, out: '', err: '' });
    expect(agent.ends).toEqual(['left']);
  });

  test.each([
    ['', 'Nothing to ask for: give SERVICE, --from FILE or NSM_NETWORK_SERVICES'],
    ['a b', "'b' is one word too many: usage is 'vwire request [SERVICE]'"],
    [
      'a --netns pid:x',
      "'--netns pid:x' is no namespace: it takes pid:N, name:N (a file in /run/netns) or path:P",
    ],
    ['a --netns name:../x', "'--netns name:../x' is no namespace"],
    ['a --netns path:x', "'--netns path:x' is no namespace"],
    ['a --netns name:..', "'--netns name:..' is no namespace"],
    ['a --ttl soon', "'--ttl soon' is not a duration: it takes a number with ms"],
    ['a --payload IPX', "'--payload IPX' is not known: allowed are ETHERNET, IP"],
    ['a --label x', "'--label x': it has no =: it takes KEY=VALUE"],
    ['a --from /x', "'a' and '--from /x': give one of them"],
    ['--from /x --interface y', "'--interface' is for one SERVICE: '--from /x' says it for each"],
  ])('%s cannot be right', async (words, message) => {
    const { code, err } = await ask(`request ${words}`);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(`vwire: ${message}`) });
    expect(agent.requests).toEqual([]);
  });
});

describe('--hold', () => {
  /** Tells something once the connections stand, then ends it. */
  async function held(words: string, act: () => void, options: CommandLineOptions = {}): Promise<Done> {
    const stop = new AbortController();
    let lines = 0;
    const onOut = (out: string): void => {
      const now = out.split('\n').length - 1;
      if (lines < 2 && now >= 2) act();
      if (out.includes('enough')) stop.abort('SIGTERM');
      lines = now;
    };
    return ask(`request ${words} --hold`, { ...options, signal: stop.signal, onOut });
  }
  const tell = (type: string, detail: string, at = 0): void => agent.granted[at]?.tell({ type, detail });

  test('prints what happens until SIGTERM, and closes', async () => {
    const { code, out, err } = await held('a', () => {
      tell('down', 'the endpoint is gone');
      tell('failed', 'x\u001b[2J');
      tell('changed', 'enough');
    });
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatchSnapshot();
    expect(agent.options?.keep).toBe(true);
    expect(agent.ends).toEqual(['c1', 'left']);
  });

  test('prints JSON, and Ctrl-C is 130', async () => {
    const stop = new AbortController();
    const { code, out } = await ask('request a --hold --json', {
      signal: stop.signal,
      onOut: (text) => {
        if (text.includes('"Update"')) stop.abort('SIGINT');
      },
    });
    expect(code).toBe(130);
    expect(documents(out)).toMatchObject([
      { kind: 'Requested', id: 'c1' },
      {
        schema: 'vwire/v1',
        kind: 'Update',
        at: '2026-01-02T04:05:06.000Z',
        type: 'up',
        id: 'c1',
        service: 'a',
        detail: '',
      },
    ]);
    expect(agent.ends).toEqual(['c1', 'left']);
  });

  test('ends with 1 when the connection is closed by somebody else', async () => {
    const { code, err } = await held('a', () => {
      tell('closed', 'by vwire close');
    });
    expect({ code, err }).toEqual({
      code: 1,
      err: "vwire: Connection 'c1' to 'a' is closed: by vwire close\n",
    });
    expect(agent.ends).toEqual(['c1', 'left']);
  });

  test('tells what could not be closed', async () => {
    agent.stuck = 'c1';
    const { code, err } = await held('a', () => {
      tell('changed', 'enough');
    });
    expect({ code, err }).toEqual({ code: 0, err: 'vwire: Not closed: c1 (The agent did not answer)\n' });
  });
});

describe('--from', () => {
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
});

describe('as NSM’s client is told', () => {
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
    expect(agent.options).toMatchObject({ agent: 'unix:///var/lib/nsm.sock', name: 'nsc' });
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
    [
      'NSM_NETWORK_SERVICES',
      'my service',
      "'my service': it is no URL: it takes kernel://SERVICE[/INTERFACE]",
    ],
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
    ['NSM_MAX_TOKEN_LIFETIME', '-1m', "'-1m': it takes a duration"],
    ['NSM_LOG_LEVEL', 'LOUD', "'LOUD': it is not known: it takes TRACE, DEBUG"],
  ])('%s=%s cannot be right', async (name, value, message) => {
    const { code, err } = await ask('request', {
      env: { NSM_NETWORK_SERVICES: 'kernel://a', [name]: value },
    });
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(`vwire: ${name} is ${message}`) });
    expect(agent.requests).toEqual([]);
  });
});

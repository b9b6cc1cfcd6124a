import { hostname } from 'node:os';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { type CommandLineOptions, type Done, vwire } from '../../test/fake/command-line.ts';
import { MemoryRequester } from '../../test/fake/requester.ts';
import { Unreachable } from '../api/unreachable.ts';
import { Failure } from '../features/failure.ts';

let agent: MemoryRequester;

beforeEach(() => {
  agent = new MemoryRequester();
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

import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Pods, run } from '../pods.ts';
import { type Vwire as Process, Vwire, startAgent, vwire } from './process.ts';

// Each line starts a process, and the machine may be busy with other files.
jest.setTimeout(60_000);

//   left 10.9.0.1 --- wire 'one' --- 10.9.0.2 right          agent of instance 'cli'
const pods = new Pods();
const instance = '--instance cli';
let left: string;
let right: string;
let agent: Process;

const devices = (): number =>
  [[], ['-n', left], ['-n', right]].reduce((sum, where) => {
    const found: unknown = JSON.parse(run('ip', '-j', ...where, 'link'));
    return sum + (Array.isArray(found) ? found.length : 0);
  }, 0);
const files = (): string[] => readdirSync('/run/vwire/cli/state', { recursive: true }).map(String).sort();
const ends = (a: string, b: string): string => `--left ${a} --right ${b} ${instance}`;

beforeAll(async () => {
  left = pods.make('left');
  right = pods.make('right');
  agent = await startAgent('cli');
  const added = await vwire(
    `wire add ${ends(`${left},address=10.9.0.1/24`, `${right},address=10.9.0.2/24`)} --connection one`,
  );
  expect(added).toMatchObject({ code: 0, err: '' });
});

afterAll(() => {
  agent.child.kill('SIGKILL');
  pods.close();
});

test('when wire add has returned the first packet arrives', () => {
  expect(pods.exec(left, 'ping', '-c1', '-W1', '10.9.0.2')).toContain(' 0% packet loss');
});

describe('bad input names field, value and what is allowed, and leaves nothing behind', () => {
  test.each<[string, number, string | null, () => string]>([
    ['an unknown namespace', 3, 'left.netns', () => ends('name:nobody', right)],
    ['a namespace of no process', 3, 'left.netns', () => ends('pid:4194303', right)],
    ['a name over 15 bytes', 2, 'right.name', () => ends(left, `${right},name=sixteen-letters-`)],
    ['a name that is taken', 4, 'left.name', () => ends(`${left},name=lo`, right)],
    ['a bad CIDR', 2, 'left.addresses[0]', () => ends(`${left},address=10.0.0.1/33`, right)],
    ['a MTU out of range', 2, 'mtu', () => `${ends(left, right)} --mtu 67`],
    ['a name another wire has', 4, 'connection', () => `${ends(left, right)} --connection one`],
    ['the namespace of the agent', 4, 'left.netns', () => ends(`pid:${process.pid}`, right)],
  ])('%s', async (_title, exit, field, words) => {
    const before = { devices: devices(), files: files() };
    const { code, out, err } = await vwire(`wire add ${words()} --json`);
    expect({ code, out }).toEqual({ code: exit, out: '' });
    const error = JSON.parse(err) as Record<string, unknown>;
    expect(error).toMatchObject({ schema: 'vwire/v1', kind: 'Error' });
    expect(String(error.field)).toContain(field);
    expect(error.value).toEqual(expect.any(String));
    expect(error.allowed).toEqual(expect.any(String));
    expect({ devices: devices(), files: files() }).toEqual(before);
  });
});

test('a second agent of the instance is refused', async () => {
  const { code, err } = await vwire(`agent ${instance}`);
  expect(code).toBe(4);
  expect(err).toContain(String(agent.child.pid));
});

test('what only root may read or ask is refused to others with 6', async () => {
  for (const line of ['inspect one', 'explain one', 'wire rm one']) {
    const { code, out, err } = await vwire(`${line} ${instance}`, 65534);
    expect({ line, code, out }).toEqual({ line, code: 6, out: '' });
    expect(err).toMatch(/^vwire: .*\n$/);
  }
});

test('watch ends with 130 at Ctrl-C and quietly when its reader goes away', async () => {
  const watching = new Vwire(['watch', '--json', '--instance', 'cli']);
  const piped = new Vwire(['watch', '--instance', 'cli']);
  // A change until both have begun to watch, then one that the second can no longer print.
  const change = async (): Promise<void> => {
    for (const mtu of [1400, 1500])
      expect((await vwire(`wire update one --mtu ${mtu} ${instance}`)).code).toBe(0);
  };
  while (!watching.out.includes('\n') || !piped.out.includes('\n')) await change();
  watching.child.kill('SIGINT');
  const { code, out, err } = await watching.ended;
  expect(code).toBe(130);
  expect(JSON.parse(err)).toMatchObject({ kind: 'Error', code: 'interrupted' });
  for (const line of out.trimEnd().split('\n'))
    expect(JSON.parse(line)).toMatchObject({
      schema: 'vwire/v1',
      kind: 'Event',
      type: 'updated',
      connection: 'one',
    });
  piped.child.stdout?.destroy();
  await change();
  expect(await piped.ended).toMatchObject({ code: 0, err: '' });
});

test('an agent that does not answer is given up with 7', async () => {
  agent.child.kill('SIGSTOP');
  try {
    const { code, err } = await vwire(`wire rm nobody ${instance} --timeout 300ms`);
    expect({ code, err }).toEqual({
      code: 7,
      err: "vwire: The agent on '/run/vwire/cli/admin.sock' did not answer within 300 ms\n",
    });
  } finally {
    agent.child.kill('SIGCONT');
  }
});

test('a killed agent leaves wire and reading verbs at work, and its socket does not stop the next', async () => {
  agent.child.kill('SIGKILL');
  await agent.ended;
  expect(pods.exec(left, 'ping', '-c1', '-W1', '10.9.0.2')).toContain(' 0% packet loss');
  const listed = await vwire(`ls ${instance} --json`);
  expect(JSON.parse(listed.out)).toMatchObject({
    kind: 'WireList',
    items: [{ connection: 'one', state: 'open' }],
  });
  expect((await vwire(`inspect one ${instance}`)).out).toContain('Wire 1  one  open');
  expect((await vwire(`explain 1 ${instance}`)).code).toBe(0);
  expect((await vwire(`inspect nobody ${instance}`)).code).toBe(3);
  const gone = await vwire(`wire rm one ${instance}`);
  expect(gone.code).toBe(5);
  expect(gone.err).toContain("was left by one that died; start one with 'vwire agent --instance cli'");

  agent = await startAgent('cli');
  expect(await vwire(`wire rm one ${instance}`)).toEqual({ code: 0, out: 'Removed one\n', err: '' });
});

test('SIGTERM stops an agent in good order and leaves its wires', async () => {
  expect((await vwire(`wire add ${ends(left, right)} --connection two`)).code).toBe(0);
  agent.child.kill('SIGTERM');
  const { code, out, err } = await agent.ended;
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toContain('"msg":"stopped"');
  expect(readdirSync('/run/vwire/cli')).not.toContain('admin.sock');
  expect((await vwire(`ls ${instance} --quiet`)).out).toBe('two\n');
});

test('doctor says something of this machine', async () => {
  const { code, out } = await vwire(`doctor ${instance} --json`);
  expect([0, 10, 11]).toContain(code);
  expect(JSON.parse(out)).toMatchObject({
    kind: 'Doctor',
    items: expect.arrayContaining([expect.objectContaining({ name: 'kernel' })]),
  });
});

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { Pods, eventually, run } from '../pods.ts';

// The tools judge everything else, so they are held to what is known: a veth pair that carries
// everything, and one that is cut.
const bin = (name: string): string => fileURLToPath(new URL(`../../dist/bin/${name}`, import.meta.url));

interface Program {
  readonly child: ChildProcess;
  readonly output: Promise<string>;
}

const pods = new Pods();
let left = '';
let right = '';

async function started(pod: string, name: string, ...args: string[]): Promise<Program> {
  const child = spawn('nsenter', [`--net=/run/netns/${pod}`, bin(name), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const output = text(child.stdout);
  await Promise.race([once(child.stdout, 'data'), once(child, 'close')]);
  return { child, output };
}

const result = (output: string): Record<string, number | string | boolean> =>
  JSON.parse(output.trim().split('\n').at(-1) ?? '') as Record<string, number | string | boolean>;

const ran = (pod: string, name: string, ...args: string[]): Record<string, number | string | boolean> =>
  result(run('nsenter', `--net=/run/netns/${pod}`, bin(name), ...args));

beforeAll(async () => {
  left = pods.make('left');
  right = pods.make('right');
  run('ip', 'link', 'add', 'eth0', 'netns', left, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', right);
  for (const [pod, address] of [
    [left, '10.0.0.1/24'],
    [right, '10.0.0.2/24'],
  ] as const) {
    run('ip', '-n', pod, 'link', 'set', 'eth0', 'up');
    run('ip', '-n', pod, 'address', 'add', address, 'dev', 'eth0');
  }
  await eventually(() => {
    expect(ran(left, 'pingpong', 'ask', '--to', '10.0.0.1', '--count', '1')).toMatchObject({ lost: 1 });
    expect(JSON.parse(run('ip', '-n', left, '-j', 'link', 'show', 'eth0'))).toMatchObject([
      { operstate: 'UP' },
    ]);
  });
});

afterAll(() => {
  pods.close();
});

describe('udp-send and udp-sink', () => {
  test('agree on what a veth pair delivers: everything', async () => {
    const sink = await started(right, 'udp-sink');
    const { sent } = ran(left, 'udp-send', '--to', '10.0.0.2', '--ms', '300');
    sink.child.kill('SIGTERM');
    const { delivered, otherErrors } = result(await sink.output);
    expect(sent).toBeGreaterThan(1000);
    expect({ delivered, otherErrors }).toEqual({ delivered: sent, otherErrors: 0 });
  });
});

describe('pingpong', () => {
  test('counts round trips and orders their quantiles', async () => {
    const echo = await started(right, 'pingpong', 'echo');
    const asked = ran(left, 'pingpong', 'ask', '--to', '10.0.0.2', '--count', '2000', '--ms', '5000');
    echo.child.kill('SIGTERM');
    await echo.output;
    const { count, lost, min, p50, p99, max } = asked;
    expect({ count, lost }).toEqual({ count: 2000, lost: 0 });
    expect([min, p50, p99, max]).toEqual([min, p50, p99, max].map(Number).sort((a, b) => a - b));
  });
});

describe('tcp-stream', () => {
  test('takes every byte that was given, over four connections', async () => {
    const taker = await started(right, 'tcp-stream', 'take', '--connections', '4');
    const given = ran(left, 'tcp-stream', 'give', '--to', '10.0.0.2', '--connections', '4', '--ms', '200');
    expect(result(await taker.output).bytes).toBe(given.bytes);
  });
});

describe('tcp-hash', () => {
  test('gives both sides the same hash, and other data another', async () => {
    const hashes: unknown[] = [];
    for (const seed of ['1', '1', '2']) {
      const taker = await started(right, 'tcp-hash', 'take');
      const given = ran(left, 'tcp-hash', 'give', '--to', '10.0.0.2', '--mbytes', '5', '--seed', seed);
      expect(result(await taker.output)).toMatchObject({
        bytes: given.bytes ?? null,
        hash: given.hash ?? null,
        complete: true,
      });
      hashes.push(given.hash);
    }
    expect(hashes[0]).toBe(hashes[1]);
    expect(hashes[0]).not.toBe(hashes[2]);
  });
});

describe('seqloss', () => {
  const both = (seconds: string): Promise<[Program, Program]> =>
    Promise.all([
      started(left, 'seqloss', '--to', '10.0.0.2', '--seconds', seconds),
      started(right, 'seqloss', '--to', '10.0.0.1', '--seconds', seconds),
    ]);

  interface Link {
    address: string;
    stats64: { tx: { packets: number } };
  }
  const link = (pod: string): Link => {
    const [found] = JSON.parse(run('ip', '-n', pod, '-s', '-j', 'link', 'show', 'eth0')) as Link[];
    if (found === undefined) throw new Error('No eth0');
    return found;
  };
  const sendTo = (mac: string): void => {
    const where = ['neigh', 'replace', '10.0.0.2', 'lladdr', mac, 'nud', 'permanent', 'dev', 'eth0'];
    run('ip', '-n', left, ...where);
  };

  test('counts what went astray, as one gap, in that direction only', async () => {
    const astray = 1000;
    const [a, b] = await both('20');
    const { address } = link(right);
    // The right stack takes no frame for another MAC; the left one goes on sending.
    sendTo('02:00:00:00:00:99');
    const before = link(left).stats64.tx.packets;
    await eventually(() => {
      expect(link(left).stats64.tx.packets).toBeGreaterThan(before + astray);
    });
    sendTo(address);
    a.child.kill('SIGTERM');
    const ours = result(await a.output);
    const theirs = result(await b.output);
    expect(ours).toMatchObject({ peer: true, lost: 0, gaps: 0, firstLost: null, rcvbufErrors: 0 });
    expect(theirs).toMatchObject({ peer: true, gaps: 1, duplicates: 0, peerSent: ours.sent ?? null });
    expect(theirs.lost).toBeGreaterThanOrEqual(astray);
    expect(theirs.lost).toBe(Number(ours.sent) - Number(theirs.received));
    expect(theirs.longestGap).toBe(theirs.lost);
  });

  test('says that the other side is missing, and still ends', async () => {
    const alone = await started(left, 'seqloss', '--to', '10.0.0.2', '--seconds', '1');
    expect(result(await alone.output)).toMatchObject({ peer: false, received: 0 });
  });
});

describe('every tool', () => {
  test('refuses what it does not know, and says what is allowed', () => {
    const { status, stderr } = spawnSync(bin('udp-send'), ['--port', '70000'], { encoding: 'utf8' });
    expect(status).toBe(2);
    expect(stderr).toBe('udp-send: --port is "70000": a number from 1 to 65535 is allowed\n');
  });
});

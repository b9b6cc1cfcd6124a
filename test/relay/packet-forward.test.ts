import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { Pods, eventually, run } from '../pods.ts';

const bin = (name: string): string => fileURLToPath(new URL(`../../dist/bin/${name}`, import.meta.url));

//   left [eth0]--(h-left)  packet-forward  (h-right)--[eth0] right

interface Direction {
  frames: number;
  bytes: number;
  ringFull: number;
  truncated: number;
  refused: number;
}
interface Moved {
  leftToRight: Direction;
  rightToLeft: Direction;
}
interface Program {
  readonly child: ChildProcess;
  /** All of stdout, once it has ended. */
  readonly output: Promise<string>;
}

let pods = new Pods();
let left = '';
let right = '';
let forwarder: Program;

/** Started, and past its "ready". */
async function program(netns: string | null, name: string, ...args: string[]): Promise<Program> {
  const command = netns === null ? [] : ['nsenter', `--net=/run/netns/${netns}`];
  const [file = '', ...rest] = [...command, bin(name), ...args];
  const child = spawn(file, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
  const output = text(child.stdout);
  await Promise.race([once(child.stdout, 'data'), once(child, 'close')]);
  return { child, output };
}

const last = (output: string): unknown => JSON.parse(output.trim().split('\n').at(-1) ?? '');

async function ended({ child, output }: Program): Promise<string> {
  child.kill('SIGTERM');
  return output;
}

function veth(pod: string, host: string): void {
  run('ip', 'link', 'add', host, 'arp', 'off', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', pod);
  run('ip', 'link', 'set', host, 'up');
  run('ip', '-n', pod, 'link', 'set', 'eth0', 'arp', 'off', 'up');
}

/** A device whose carrier has just come takes a moment until its queue takes frames. */
async function operational(): Promise<void> {
  for (const where of [['h-left'], ['h-right'], ['eth0', left], ['eth0', right]]) {
    const [device = '', pod] = where;
    const words = [...(pod === undefined ? [] : ['-n', pod]), '-j', 'link', 'show', device];
    await eventually(() => {
      expect(JSON.parse(run('ip', ...words))).toMatchObject([{ operstate: 'UP' }]);
    });
  }
}

/** Sends hex lines out of the left pod and returns what arrives in the right one, in order. */
async function through(lines: readonly string[], ...flags: string[]): Promise<string[]> {
  const capture = await program(
    right,
    'frames',
    'capture',
    'eth0',
    '--count',
    String(lines.length),
    ...flags,
  );
  const sender = spawn('nsenter', [`--net=/run/netns/${left}`, bin('frames'), 'send', 'eth0', ...flags], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const sent = text(sender.stdout);
  sender.stdin.end(`${lines.join('\n')}\n`);
  expect(JSON.parse(await sent)).toEqual({ sent: lines.length, refused: [] });
  return (await capture.output).trim().split('\n').slice(1);
}

beforeEach(async () => {
  run('sysctl', '-qw', 'net.ipv6.conf.default.disable_ipv6=1');
  pods = new Pods();
  left = pods.make('left');
  right = pods.make('right');
  for (const pod of [left, right])
    run('nsenter', `--net=/run/netns/${pod}`, 'sysctl', '-qw', 'net.ipv6.conf.default.disable_ipv6=1');
  veth(left, 'h-left');
  veth(right, 'h-right');
  await operational();
  forwarder = await program(null, 'packet-forward', 'h-left', 'h-right');
});

afterEach(async () => {
  await ended(forwarder);
  // A namespace takes its devices along some time after its name: the next test needs theirs now.
  const found = JSON.parse(run('ip', '-j', 'link', 'show')) as { ifname: string }[];
  for (const { ifname } of found) if (ifname.startsWith('h-')) run('ip', 'link', 'del', ifname);
  pods.close();
});

const macs = 'ffffffffffff020000000001';
const payload = (size: number): string =>
  Buffer.from(Array.from({ length: size }, (_, i) => (i * 7 + size) & 0xff)).toString('hex');

describe('packet-forward', () => {
  test('forwards frames of every kind and size unchanged and in order', async () => {
    const lines = [
      `${macs}0806${payload(46)}`,
      `${macs}88cc${payload(46)}`,
      `${macs}88b5${payload(1)}`,
      `${macs}88b5${payload(1500)}`,
      `${macs}8100006488b5${payload(46)}`,
      `${macs}8100606488b5${payload(1500)}`,
      `${macs}88a800658100006688b5${payload(60)}`,
      `${macs}9100006588b5${payload(60)}`,
      `0180c20000000200000000010026424203${payload(35)}`,
    ];
    expect(await through(lines)).toEqual(lines);
  });

  test('keeps GSO packets whole, tagged or not, and partial checksums partial', async () => {
    const packet = (tag: string, size: number, gso: number): string => {
      const ip = 14 + tag.length / 2;
      const header = Buffer.alloc(10);
      header.writeUInt8(1, 0); // NEEDS_CSUM
      header.writeUInt8(gso, 1);
      // Without GSO the kernel describes a checksum only.
      header.writeUInt16LE(gso === 0 ? 0 : ip + 40, 2);
      header.writeUInt16LE(gso === 0 ? 0 : 1448, 4);
      header.writeUInt16LE(ip + 20, 6);
      header.writeUInt16LE(16, 8);
      const v4 = Buffer.from('4500000000010000400600000a0900010a090002', 'hex');
      v4.writeUInt16BE(40 + size, 2);
      const tcp = '00010002000000030000000450100400000000' + '00';
      return `${header.toString('hex')}:020000000002020000000001${tag}0800${v4.toString('hex')}${tcp}${payload(size)}`;
    };
    const lines = [
      packet('', 60_000, 1),
      packet('81000064', 60_000, 1),
      packet('', 1000, 0),
      packet('81000064', 1000, 0),
      packet('', 65_000, 1),
    ];
    expect(await through(lines, '--vnet')).toEqual(lines);
  });

  // User space that is not scheduled loses what the ring does not hold: 4,096 frames, here 0.8 s.
  test('loses nothing of 5,000 datagrams a second both ways', async () => {
    const sides = [
      { pod: left, own: '10.0.0.1', to: '10.0.0.2' },
      { pod: right, own: '10.0.0.2', to: '10.0.0.1' },
    ];
    for (const { pod, own } of sides) {
      run('ip', '-n', pod, 'link', 'set', 'eth0', 'arp', 'on');
      run('ip', '-n', pod, 'address', 'add', `${own}/24`, 'dev', 'eth0');
    }
    const running = await Promise.all(
      sides.map(({ pod, to }) => program(pod, 'seqloss', '--to', to, '--rate', '5000', '--seconds', '1')),
    );
    const received: number[] = [];
    for (const { output } of running) {
      const totals = last(await output) as { received: number };
      expect(totals).toMatchObject({ peer: true, lost: 0, duplicates: 0, rcvbufErrors: 0 });
      received.push(totals.received);
    }
    const moved = last(await ended(forwarder)) as Moved;
    [moved.rightToLeft, moved.leftToRight].forEach((direction, i) => {
      expect(direction).toMatchObject({ ringFull: 0, truncated: 0, refused: 0 });
      expect(direction.frames).toBeGreaterThan(received[i] ?? Infinity);
    });
  });

  test('goes on after a device was down, and ends when one is removed', async () => {
    run('ip', 'link', 'set', 'h-left', 'down');
    run('ip', 'link', 'set', 'h-left', 'up');
    await operational();
    const lines = [`${macs}88b5${payload(46)}`];
    expect(await through(lines)).toEqual(lines);
    run('ip', 'link', 'del', 'h-left');
    const [status] = (await once(forwarder.child, 'close')) as [number | null];
    expect(status).toBe(1);
  });
});

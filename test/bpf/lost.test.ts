// One wire, joined without an agent, so that nobody mends what the tests break:
//
//   pod l                  this namespace                  pod r            pod s (stranger)
//   +--------+       +---------------------+           +--------+          +--------------------+
//   | pl ----+-------+-> hl ==hops== hr <--+-----------+---- pr |          | devices with the   |
//   +--------+       +---------------------+           +--------+          | same ifindexes     |
//                                                                          +--------------------+
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { kernelEnum } from '../../loader/btf.ts';
import { DropReason } from '../../maps/layouts.gen.ts';
import { Dataplane, type Joined } from '../../src/dataplane/dataplane.ts';
import { type Port, type Side } from '../../src/dataplane/port.ts';
import { View } from '../../src/dataplane/view.ts';
import { openNetns, withHandle } from '../../src/net/netns.ts';
import { within } from '../../src/net/within.ts';
import { failOnLeakedFds } from '../fds.ts';
import { sendFrames } from '../frames/frames.ts';
import { eventually, Pods, run } from '../pods.ts';
import { skipUnless } from '../skip.ts';
import { ethernet, macOf, pattern } from './frame.ts';

const pods = new Pods();
const names = { left: pods.make('l'), right: pods.make('r') };
const macs = { left: '02:00:00:00:00:01', right: '02:00:00:00:00:02' };
const devices = { left: { host: 'hl', pod: 'pl' }, right: { host: 'hr', pod: 'pr' } };

const ifindexOf = (name: string, pod: string | null): number => {
  const where = pod === null ? [] : ['-n', pod];
  const [shown] = JSON.parse(run('ip', ...where, '-j', 'link', 'show', name)) as [{ ifindex: number }];
  return shown.ifindex;
};
const set = (name: string, pod: string | null, ...what: string[]): string =>
  run('ip', ...(pod === null ? [] : ['-n', pod]), 'link', 'set', name, ...what);

function makePort(side: Side): Port {
  const { host, pod } = devices[side];
  const far = macs[side === 'left' ? 'right' : 'left'];
  run('ip', 'link', 'add', host, 'address', far, 'type', 'veth', 'peer', 'name', pod, 'netns', names[side]);
  set(pod, names[side], 'address', macs[side]);
  run('sysctl', '-qw', `net.ipv6.conf.${host}.disable_ipv6=1`);
  pods.exec(names[side], 'sysctl', '-qw', `net.ipv6.conf.${pod}.disable_ipv6=1`);
  const netns = withHandle(openNetns({ kind: 'name', name: names[side] }), ({ dev, inode }) => ({
    dev,
    inode,
  }));
  return {
    kind: 'veth',
    ifindex: ifindexOf(host, null),
    name: host,
    mac: macOf(macs[side]),
    made: true,
    pod: { netns, ifindex: ifindexOf(pod, names[side]), own: false },
  };
}

const dataplane = Dataplane.open({ bpffs: '/sys/fs/bpf', instance: 'lost', maxWires: 16 });
const view = new View(dataplane.tables);
const wire: Joined = { id: 9, left: makePort('left'), right: makePort('right'), datapath: 'clsact' };
dataplane.wire(wire, (side, act) => {
  within({ kind: 'name', name: names[side] }, act);
});

const up = (): void => {
  for (const side of ['left', 'right'] as const) {
    set(devices[side].pod, names[side], 'up');
    set(devices[side].host, null, 'up');
  }
};

const dropped = (): unknown => view.dropped().get(wire.id) ?? { leftToRight: {}, rightToLeft: {} };
const nothing = { leftToRight: {}, rightToLeft: {} };
const FRAMES = 20;
const send = (from: Side, dst: string): void => {
  const frame = ethernet(dst, macs[from], 0x88b5, pattern(46));
  const { sent } = sendFrames(
    { pod: names[from], device: devices[from].pod },
    Array<Buffer>(FRAMES).fill(frame),
  );
  expect(sent).toBe(FRAMES);
};
const reasons = new Set(
  [...kernelEnum('skb_drop_reason').values()].map((name) =>
    name.replace('SKB_DROP_REASON_', '').toLowerCase(),
  ),
);

beforeEach(() => {
  up();
  for (const side of ['left', 'right'] as const) dataplane.forwardTowards(wire, side);
  dataplane.forgetDrops(new Set([0, wire.id]));
});
afterAll(() => {
  dataplane.close();
  for (const { host } of Object.values(devices)) run('ip', 'link', 'del', host);
  run('rm', '-rf', '/sys/fs/bpf/vwire/lost');
  pods.close();
});

const { losses } = dataplane;
const kernel = skipUnless(losses.observed, losses.observed ? '' : losses.why);

const directions = [
  ['left', 'right', 'leftToRight', 'rightToLeft'],
  ['right', 'left', 'rightToLeft', 'leftToRight'],
] as const;

kernel.describe('what the kernel drops after a redirect', () => {
  for (const [from, to, direction, other] of directions) {
    kernel.test(`PEER to a ${to} pod that is down is charged to ${direction}`, async () => {
      set(devices[to].pod, names[to], 'down');
      send(from, macs[to]);
      await eventually(() => {
        expect(dropped()).toEqual({
          [direction]: { 'lost_after_redirect:not_specified': BigInt(FRAMES) },
          [other]: {},
        });
      });
    });

    kernel.test(`REDIRECT to a ${to} host end that is down is charged to ${direction}`, async () => {
      set(devices[to].host, null, 'down');
      send(from, 'ff:ff:ff:ff:ff:ff');
      await eventually(() => {
        expect(dropped()).toEqual({
          [direction]: { 'lost_after_redirect:qdisc_drop': BigInt(FRAMES) },
          [other]: {},
        });
      });
    });
  }

  kernel.test('reasons are called what this kernel calls them', () => {
    expect(reasons).toContain('not_specified');
    expect(reasons).toContain('qdisc_drop');
  });
});

kernel.describe('what is no loss of a wire', () => {
  // A loss that is observed ends each wait: what was to be counted before it has been.
  const marker = async (): Promise<void> => {
    set(devices.right.pod, names.right, 'down');
    send('left', macs.right);
    await eventually(() => {
      expect(dropped()).not.toEqual(nothing);
    });
    expect(dropped()).toEqual({
      leftToRight: { 'lost_after_redirect:not_specified': BigInt(FRAMES) },
      rightToLeft: {},
    });
  };

  kernel.test("a pod's own stack refusing what arrived", async () => {
    for (const dst of [macs.right, '02:00:00:00:00:99', 'ff:ff:ff:ff:ff:ff']) send('left', dst);
    await marker();
  });

  kernel.test('frames that our own program drops are counted once, by its reason', async () => {
    dataplane.blockTowards(wire, 'right', DropReason.DROP_CLOSING);
    send('left', macs.right);
    await eventually(() => {
      expect(dropped()).toEqual({ leftToRight: { closing: BigInt(FRAMES) }, rightToLeft: {} });
    });
    dataplane.forwardTowards(wire, 'right');
    dataplane.forgetDrops(new Set([wire.id]));
    await marker();
  });

  kernel.test("a stranger's devices, also those with a watched ifindex in another namespace", async () => {
    const stranger = pods.make('s');
    const { left, right } = wire;
    const watched = [left.ifindex, right.ifindex, left.pod?.ifindex ?? 0, right.pod?.ifindex ?? 0];
    for (const index of new Set(watched)) {
      const name = `s${index}`;
      const pair = `${name} index ${index} type veth peer name ${name}p index ${1000 + index}`;
      run('ip', '-n', stranger, 'link', 'add', ...pair.split(' '));
      for (const device of [name, `${name}p`]) {
        pods.exec(stranger, 'sysctl', '-qw', `net.ipv6.conf.${device}.disable_ipv6=1`);
        set(device, stranger, 'up');
      }
      // Dropped by its stack on arrival, then by its queue on the way out.
      const frame = ethernet('02:00:00:00:00:99', macs.left, 0x0800, pattern(46));
      sendFrames({ pod: stranger, device: `${name}p` }, [frame, frame]);
      run('tc', '-n', stranger, 'qdisc', 'add', 'dev', name, 'root', 'pfifo', 'limit', '1');
      sendFrames({ pod: stranger, device: name }, Array<Buffer>(50).fill(frame));
    }
    await marker();
    expect(view.dropped().has(0)).toBe(false);
  });
});

// Every kernel: the same breakage without an observer must not break forwarding.
describe('forwarding', () => {
  test('goes on after a far end was down', async () => {
    set(devices.right.pod, names.right, 'down');
    send('left', macs.right);
    up();
    const before = view.forwarded(wire.id).leftToRight.packets;
    send('left', macs.right);
    await eventually(() => {
      expect(view.forwarded(wire.id).leftToRight.packets).toBe(before + BigInt(FRAMES));
    });
  });
});

failOnLeakedFds();

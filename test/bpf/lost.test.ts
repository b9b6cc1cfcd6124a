// One wire, joined without an agent, so that nobody mends what the tests break:
//
//   pod l                  this namespace                  pod r            pod s (stranger)
//   +--------+       +---------------------+           +--------+          +--------------------+
//   | p0 ----+-------+-> hl ==hops== hr <--+-----------+---- p0 |          | devices with the   |
//   +--------+       +---------------------+           +--------+          | same ifindexes     |
//                                                                          +--------------------+
import { afterAll, beforeEach, describe, expect, test, jest } from '@jest/globals';
import { kernelEnum } from '../../loader/btf.ts';
import type { Side } from '../../src/dataplane/port.ts';
import { failOnLeakedFds } from '../fds.ts';
import { sendFrames } from '../frames/frames.ts';
import { Join } from '../frames/join.ts';
import { eventually, run } from '../pods.ts';
import { skipUnless } from '../skip.ts';
import { ethernet, pattern } from './frame.ts';

jest.setTimeout(30_000);

const join = new Join('clsact');
const { dataplane, view, wire, macs, pods } = join;

const dropped = (): unknown => view.dropped().get(wire.id) ?? { leftToRight: {}, rightToLeft: {} };
const nothing = { leftToRight: {}, rightToLeft: {} };
const FRAMES = 20;
const send = (from: Side, dst: string): void => {
  const frame = ethernet(dst, macs[from], 0x88b5, pattern(46));
  const { sent } = sendFrames(join.at(from), Array<Buffer>(FRAMES).fill(frame));
  expect(sent).toBe(FRAMES);
};
const reasons = new Set(
  [...kernelEnum('skb_drop_reason').values()].map((name) =>
    name.replace('SKB_DROP_REASON_', '').toLowerCase(),
  ),
);

beforeEach(() => {
  join.up();
  for (const side of ['left', 'right'] as const) dataplane.forwardTowards(wire, side);
  for (const id of [0, wire.id]) dataplane.forgetDrops(id);
});
afterAll(() => {
  join.close();
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
      join.setPod(to, 'down');
      send(from, macs[to]);
      await eventually(() => {
        expect(dropped()).toEqual({
          [direction]: { 'lost_after_redirect:not_specified': BigInt(FRAMES) },
          [other]: {},
        });
      });
    });

    kernel.test(`REDIRECT to a ${to} host end that is down is charged to ${direction}`, async () => {
      join.setHost(to, 'down');
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
    join.setPod('right', 'down');
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
    dataplane.blockTowards(wire, 'right', 'closing');
    send('left', macs.right);
    await eventually(() => {
      expect(dropped()).toEqual({ leftToRight: { closing: BigInt(FRAMES) }, rightToLeft: {} });
    });
    dataplane.forwardTowards(wire, 'right');
    dataplane.forgetDrops(wire.id);
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
        run('ip', '-n', stranger, 'link', 'set', device, 'up');
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
    join.setPod('right', 'down');
    send('left', macs.right);
    join.up();
    const before = view.forwarded(wire.id).leftToRight.packets;
    send('left', macs.right);
    await eventually(() => {
      expect(view.forwarded(wire.id).leftToRight.packets).toBe(before + BigInt(FRAMES));
    });
  });
});

failOnLeakedFds();

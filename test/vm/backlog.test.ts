// More frames at once than a CPU's queue takes. Its length is a setting of the whole kernel, so this is for VMs.
//
//   pod l                            this namespace                  pod r
//   +-------------+            +---------------------+           +--------+
//   | p0 (bursts) +--backlog---+-> hl ==hops== hr ---+--backlog--+-> p0   |
//   +-------------+            +---------------------+           +--------+
import { afterAll, beforeAll, beforeEach, expect, jest } from '@jest/globals';
import { getSysctl, setSysctl } from '../../src/net/sysctl.ts';
import { ethernet, pattern } from '../bpf/frame.ts';
import { sendFrames } from '../frames/frames.ts';
import { Join } from '../frames/join.ts';
import { eventually, run } from '../pods.ts';
import { skipUnless } from '../skip.ts';

jest.setTimeout(60_000);

const BACKLOG = 'net/core/netdev_max_backlog';
const FRAMES = 200;
const join = new Join('clsact');
const { dataplane, view, wire, macs, names } = join;
const before = getSysctl(null, BACKLOG);

const { losses } = dataplane;
const kernel = skipUnless(losses.observed, losses.observed ? '' : losses.why);

beforeAll(() => {
  join.up();
  for (const side of ['left', 'right'] as const) dataplane.forwardTowards(wire, side);
  // Lets nothing pass for a while and then all of it at once.
  run('tc', '-n', names.left, 'qdisc', 'add', 'dev', 'p0', 'root', 'netem', 'slot', '500ms', '500ms');
  setSysctl(null, BACKLOG, '1');
});
beforeEach(() => {
  dataplane.forgetDrops(wire.id);
});
afterAll(() => {
  setSysctl(null, BACKLOG, before);
  join.close();
});

const received = (): bigint => {
  const [device] = JSON.parse(run('ip', '-n', names.right, '-j', '-s', 'link', 'show', 'p0')) as [
    { stats64: { rx: { packets: number } } },
  ];
  return BigInt(device.stats64.rx.packets);
};

kernel.describe('what a full backlog drops', () => {
  for (const [way, dst] of [
    ['PEER', macs.right],
    ['REDIRECT', 'ff:ff:ff:ff:ff:ff'],
  ] as const)
    kernel.test(`on its way by ${way} is a loss of the wire, and no frame is told of twice`, async () => {
      const had = received();
      const frame = ethernet(dst, macs.left, 0x88b5, pattern(46));
      expect(sendFrames(join.at('left'), Array<Buffer>(FRAMES).fill(frame)).sent).toBe(FRAMES);
      await eventually(() => {
        const dropped = view.dropped().get(wire.id);
        const lost = dropped?.leftToRight['lost_after_redirect:cpu_backlog'] ?? 0n;
        expect(lost).toBeGreaterThan(0n);
        expect(dropped).toEqual({
          leftToRight: { 'lost_after_redirect:cpu_backlog': lost },
          rightToLeft: {},
        });
        expect(received() - had + lost).toBe(BigInt(FRAMES));
      }, 30_000);
    });
});

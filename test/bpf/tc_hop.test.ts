import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Direction, Hook, HopAct, HopFlag } from '../../maps/layouts.gen.ts';
import { makeDevice, removeDevices } from '../loader/device.ts';
import { failOnLeakedFds } from '../fds.ts';
import { skb, Tc } from './context.ts';
import { cases, entryPoints, FRAME_BYTES, OUT } from './forwarding.ts';
import { ethernet, macOf, pattern } from './frame.ts';
import { HopObject, hopOf } from './hop-object.ts';

//   frame --> [ vwire_tc_own | vwire_tc_guest ] --> verdict, counters, drops
//                 hops, counters, drops            (no device moves it: BPF_PROG_TEST_RUN)

const FAR_POD = '02:00:00:00:00:01';
const object = new HopObject('tc_hop', { drops: 8 });
const programs = { own: object.program('vwire_tc_own'), guest: object.program('vwire_tc_guest') };
const device = makeDevice();
const frame = ethernet(FAR_POD, '02:00:00:00:00:02', 0x88b5, pattern(Number(FRAME_BYTES) - 14));
const verdicts = { drop: Tc.SHOT, next: Tc.UNSPEC, redirect: Tc.REDIRECT };

const run = (
  entry: (typeof entryPoints)[number],
  data = frame,
  given: { ifindex?: number; gso_segs?: number; gso_size?: number } = {},
): { retval: number; out: Buffer } => {
  const ctx = skb.encode({ ifindex: device.ifindex, ...given });
  const { retval, dataOut } = programs[entry].testRun({ data, ctx });
  return { retval, out: dataOut };
};

beforeEach(() => {
  object.clear();
});
afterAll(() => {
  object.close();
  removeDevices();
});

describe.each(entryPoints)('vwire_tc_%s', (entry) => {
  test.each(cases)('$description', ({ hop, verdict, forwarded, drops }) => {
    object.setHop(device.ifindex, hop && hopOf(hop));
    expect(run(entry)).toEqual({ retval: verdicts[verdict[entry]], out: frame });
    expect(object.counts()).toEqual({ forwarded, drops: drops[entry] });
  });
});

describe('the key', () => {
  const hop = hopOf({ act: HopAct.HOP_REDIRECT, out: OUT, wire: 7 });
  test.each([
    ['another device', { ifindex: device.ifindex + 1 }],
    ['the egress hook', { hook: Hook.HOOK_EGRESS }],
    ['another zone', { zone: 1 }],
    ['a VLAN', { vlan: 5 }],
  ])('an entry of %s is not this one', (_, other) => {
    object.hops.set({ ifindex: device.ifindex, vlan: 0, hook: Hook.HOOK_INGRESS, zone: 0, ...other }, hop);
    expect(run('own').retval).toBe(Tc.SHOT);
    expect(object.counts().drops).toEqual({ '0/LEFT_TO_RIGHT/DROP_NO_HOP': 1n });
  });

  test('the VLAN tag of a frame does not change it', () => {
    object.setHop(device.ifindex, hop);
    const tagged = ethernet(FAR_POD, '02:00:00:00:00:02', 0x8100, pattern(46));
    expect(run('own', tagged)).toEqual({ retval: Tc.REDIRECT, out: tagged });
  });
});

describe('counting', () => {
  const peer = hopOf({ act: HopAct.HOP_PEER, out: OUT, wire: 7 });
  const counted = (): unknown => object.counts().forwarded['7/LEFT_TO_RIGHT'];

  test('a GSO packet is one packet and as many segments as it stands for', () => {
    object.setHop(device.ifindex, peer);
    const large = ethernet(FAR_POD, '02:00:00:00:00:02', 0x0800, pattern(3000));
    run('own', large, { gso_segs: 3, gso_size: 1000 });
    expect(counted()).toEqual({ packets: 1n, segments: 3n, bytes: 3014n });
  });

  test('it adds up, in the entry the agent made or in one of its own', () => {
    object.setHop(device.ifindex, peer);
    for (const made of [true, false]) {
      object.counters.delete({ wire: 7, direction: Direction.LEFT_TO_RIGHT });
      if (made) object.counters.make({ wire: 7, direction: Direction.LEFT_TO_RIGHT });
      for (let i = 0; i < 5; i++) run('own');
      expect(counted()).toEqual({ packets: 5n, segments: 5n, bytes: 5n * FRAME_BYTES });
    }
  });

  test('the two directions of a wire, and two wires, count apart', () => {
    for (const [wire, direction] of [
      [7, Direction.LEFT_TO_RIGHT],
      [7, Direction.RIGHT_TO_LEFT],
      [8, Direction.LEFT_TO_RIGHT],
    ] as const) {
      object.setHop(device.ifindex, { ...peer, wire, direction });
      run('own');
    }
    expect(Object.values(object.counts().forwarded)).toEqual(
      Array(3).fill({ packets: 1n, segments: 1n, bytes: FRAME_BYTES }),
    );
  });

  test('a full drops map costs the count and nothing else', () => {
    object.fillDrops();
    const before = object.counts().drops;
    expect(run('own').retval).toBe(Tc.SHOT);
    object.setHop(device.ifindex, hopOf({ act: HopAct.HOP_RELAY, wire: 7 }));
    expect(run('guest').retval).toBe(Tc.SHOT);
    expect(object.counts().drops).toEqual(before);
    object.setHop(device.ifindex, peer);
    expect(run('own').retval).toBe(Tc.REDIRECT);
  });
});

describe('HOP_F_DMAC', () => {
  const hop = hopOf({
    act: HopAct.HOP_PEER,
    out: OUT,
    wire: 7,
    flags: HopFlag.HOP_F_DMAC,
    dmac: macOf(FAR_POD),
  });
  // Which way a frame took shows only on devices: test/frames/foreign-mac.test.ts.
  test.each([
    ['its own address', FAR_POD],
    ['a foreign address', '02:00:00:00:00:99'],
    ['broadcast', 'ff:ff:ff:ff:ff:ff'],
    ['multicast', '33:33:00:00:00:01'],
  ])('forwards and does not change a frame to %s', (_, dst) => {
    object.setHop(device.ifindex, hop);
    const sent = ethernet(dst, '02:00:00:00:00:02', 0x88b5, pattern(46));
    expect(run('own', sent)).toEqual({ retval: Tc.REDIRECT, out: sent });
    expect(object.counts().forwarded).toEqual({
      '7/LEFT_TO_RIGHT': { packets: 1n, segments: 1n, bytes: 60n },
    });
  });

  test('a bare header is long enough', () => {
    object.setHop(device.ifindex, hop);
    expect(run('own', frame.subarray(0, 14)).retval).toBe(Tc.REDIRECT);
  });
});

failOnLeakedFds();

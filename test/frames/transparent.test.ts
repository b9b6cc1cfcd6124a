// The same frames over a wire and over the oracle, a bare veth pair between the same pods with the same
// addresses and MTU: what comes out must be equal, byte for byte, both ways, on every datapath.
//
//   pod l                        this namespace                      pod r
//   +-----------+          +------------------------+          +-----------+
//   |  vwire0 --+----------+-> host == hops == host <-+----------+-- vwire0 |
//   |           |          +------------------------+          |           |
//   |  bare  ---+----------------------------------------------+--- bare   |
//   +-----------+                                              +-----------+
import { afterAll, beforeAll, describe, expect, test, jest } from '@jest/globals';
import { missingTcx } from '../../loader/features.ts';
import type { Agent } from '../../src/agent.ts';
import type { Datapath, WireItem } from '../../src/features/wire/api.ts';
import { failOnLeakedFds } from '../fds.ts';
import { Pods } from '../pods.ts';
import { skipUnless } from '../skip.ts';
import { end, Node, wireSpec } from '../wire/node.ts';
import { bareCable, carry, deliver, directions, macs, silence, type Side } from './cable.ts';
import { superFrames } from './corpus.ts';
import type { Place } from './frames.ts';

jest.setTimeout(30_000);

const pods = new Pods();
const node = new Node();
const names = { left: pods.make('l'), right: pods.make('r') };
let agent: Agent;
silence(pods, ...Object.values(names));

const at = (side: Side, device: string): Place => ({ pod: names[side], device });

beforeAll(async () => {
  agent = await node.start();
});
afterAll(async () => {
  await node.close();
  pods.close();
});

async function wire(datapath: Datapath, mtu: number): Promise<WireItem> {
  return agent.wires.add(
    wireSpec(
      { ...end(names.left), mac: macs.left },
      { ...end(names.right), mac: macs.right },
      { datapath, mtu, acceptNoOffload: datapath === 'xdp' },
    ),
  );
}

const tcx = skipUnless(missingTcx() === null, 'tcx needs Linux 6.6');
// XDP takes only what fits a page, so its MTU is bounded at about 3,500.
const cases = [
  { datapath: 'clsact', mtu: 1500, gso: true, declare: describe },
  { datapath: 'clsact', mtu: 9000, gso: true, declare: describe },
  { datapath: 'tcx', mtu: 1500, gso: true, declare: tcx.describe },
  { datapath: 'xdp', mtu: 1500, gso: false, declare: describe },
] as const;

for (const { datapath, mtu, gso, declare } of cases)
  declare(`${datapath}, MTU ${mtu}`, () => {
    let item: WireItem;
    let removeBare: () => void;
    beforeAll(async () => {
      item = await wire(datapath, mtu);
      removeBare = bareCable(names, mtu);
    });
    afterAll(async () => {
      removeBare();
      await agent.wires.remove({ id: item.id });
    });

    for (const [from, to] of directions)
      test(`every odd frame from ${from} to ${to} arrives unchanged`, async () => {
        expect(item.hops.map((hop) => hop.datapath)).toEqual([datapath, datapath]);
        const ends = (device: (side: Side) => string): Record<Side, Place> => ({
          left: at('left', device('left')),
          right: at('right', device('right')),
        });
        const expected = await deliver(
          from,
          ends(() => 'bare'),
          mtu,
        );
        expect(
          await deliver(
            from,
            ends((side) => item[side].name),
            mtu,
          ),
        ).toEqual(expected);
        // What even a bare veth loses.
        expect(expected.lost).toEqual(['shortest tagged frame']);
      });

    const packets = (from: Side, to: Side, bytes: number) =>
      superFrames({ src: macs[from], dst: macs[to] }, bytes);

    if (!gso)
      test.each(directions)(
        'from %s to %s offloads are lost, which is why it must be accepted',
        async (from, to) => {
          const device = item[from].name;
          const small = packets(from, to, 100).map(({ line }) => line);
          const offered = await carry(small, at(from, device), at(to, item[to].name), macs[from], {
            vnet: true,
          });
          // The frame as it was sent, its checksum still to be computed; and nobody is told so any more.
          const untold = small.map((line) => `${'00'.repeat(10)}:${line.split(':')[1]}`);
          expect(offered).toEqual(untold);
          const large = packets(from, to, 3000);
          const cut = await carry(
            large.map(({ line }) => line),
            at(from, device),
            at(to, item[to].name),
            macs[from],
            { vnet: true },
          );
          expect(cut).toHaveLength(large.reduce((n, { segments }) => n + segments, 0));
        },
      );
    else
      test.each(directions)('GSO packets from %s to %s stay whole', async (from, to) => {
        const direction = from === 'left' ? 'leftToRight' : 'rightToLeft';
        for (const bytes of [100, 3000, 60_000]) {
          const large = packets(from, to, bytes);
          const lines = large.map(({ line }) => line);
          const before = node.wire(item.id)?.counters[direction];
          const expected = await carry(lines, at(from, 'bare'), at(to, 'bare'), macs[from], { vnet: true });
          const arrived = await carry(lines, at(from, item[from].name), at(to, item[to].name), macs[from], {
            vnet: true,
          });
          expect(arrived).toEqual(expected);
          expect(arrived).toHaveLength(lines.length);
          const after = node.wire(item.id)?.counters[direction];
          // And the sentinel.
          expect((after?.packets ?? 0n) - (before?.packets ?? 0n)).toBe(BigInt(lines.length + 1));
          const segments = large.reduce((n, packet) => n + packet.segments, 1);
          expect((after?.segments ?? 0n) - (before?.segments ?? 0n)).toBe(BigInt(segments));
        }
      });
  });

failOnLeakedFds();

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
import { type Agent } from '../../src/agent.ts';
import { type Datapath, type WireItem } from '../../src/features/wire/api.ts';
import { failOnLeakedFds } from '../fds.ts';
import { Pods, run } from '../pods.ts';
import { skipUnless } from '../skip.ts';
import { end, Node, wireSpec } from '../wire/node.ts';
import { corpus, sentinel, superFrames } from './corpus.ts';
import { Capture, sendLines, type Place } from './frames.ts';

jest.setTimeout(30_000);

const pods = new Pods();
const node = new Node();
const names = { left: pods.make('l'), right: pods.make('r') };
const macs = { left: '02:00:00:00:00:01', right: '02:00:00:00:00:02' };
let agent: Agent;

// Nobody but the test shall speak in the pods.
for (const pod of Object.values(names))
  for (const which of ['all', 'default'])
    pods.exec(pod, 'sysctl', '-qw', `net.ipv6.conf.${which}.disable_ipv6=1`);

function bare(mtu: number): void {
  run(
    'ip',
    'link',
    'add',
    'bare',
    'netns',
    names.left,
    'address',
    macs.left,
    'mtu',
    `${mtu}`,
    'type',
    'veth',
    'peer',
    'name',
    'bare',
    'netns',
    names.right,
    'address',
    macs.right,
    'mtu',
    `${mtu}`,
  );
  for (const pod of Object.values(names)) run('ip', '-n', pod, 'link', 'set', 'bare', 'up');
}

const at = (side: 'left' | 'right', device: string): Place => ({ pod: names[side], device });
const directions = [
  ['left', 'right'],
  ['right', 'left'],
] as const;

/** What comes out at the far end, in order of arrival. */
async function carry(
  lines: readonly string[],
  from: Place,
  to: Place,
  src: string,
  vnet = false,
): Promise<string[]> {
  const last = `${vnet ? '00'.repeat(10) + ':' : ''}${sentinel(src).toString('hex')}`;
  const capture = await Capture.start(to, { vnet });
  const { refused } = sendLines(from, [...lines, last], { vnet });
  expect(refused).toEqual([]);
  await capture.seen(last);
  return (await capture.stop()).filter((line) => line !== last);
}

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
    beforeAll(async () => {
      item = await wire(datapath, mtu);
      bare(mtu);
    });
    afterAll(async () => {
      run('ip', '-n', names.left, 'link', 'del', 'bare');
      await agent.wires.remove({ id: item.id });
    });

    test.each(directions)('every odd frame from %s to %s arrives unchanged', async (from, to) => {
      expect(item.hops.map((hop) => hop.datapath)).toEqual([datapath, datapath]);
      const frames = corpus({ src: macs[from], dst: macs[to] }, mtu);
      const called = new Map(frames.map(({ name, frame }) => [frame.toString('hex'), name]));
      expect(called.size).toBe(frames.length);
      const label = (line: string): string => called.get(line) ?? `changed: ${line}`;
      const expected = await carry([...called.keys()], at(from, 'bare'), at(to, 'bare'), macs[from]);
      const arrived = await carry(
        [...called.keys()],
        at(from, item[from].name),
        at(to, item[to].name),
        macs[from],
      );
      // PEER overtakes REDIRECT: frames to the port and frames to a group may change places.
      expect(arrived.map(label).sort()).toEqual(expected.map(label).sort());
      // What even a bare veth loses.
      expect([...called.values()].filter((name) => !arrived.map(label).includes(name))).toEqual([
        'shortest tagged frame',
      ]);
    });

    const packets = (from: 'left' | 'right', to: 'left' | 'right', bytes: number) =>
      superFrames({ src: macs[from], dst: macs[to] }, bytes);

    if (!gso)
      test.each(directions)(
        'from %s to %s offloads are lost, which is why it must be accepted',
        async (from, to) => {
          const device = item[from].name;
          const small = packets(from, to, 100).map(({ line }) => line);
          const offered = await carry(small, at(from, device), at(to, item[to].name), macs[from], true);
          // The frame as it was sent, its checksum still to be computed; and nobody is told so any more.
          const untold = small.map((line) => `${'00'.repeat(10)}:${line.split(':')[1]}`);
          expect(offered).toEqual(untold);
          const large = packets(from, to, 3000);
          const cut = await carry(
            large.map(({ line }) => line),
            at(from, device),
            at(to, item[to].name),
            macs[from],
            true,
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
          const expected = await carry(lines, at(from, 'bare'), at(to, 'bare'), macs[from], true);
          const arrived = await carry(
            lines,
            at(from, item[from].name),
            at(to, item[to].name),
            macs[from],
            true,
          );
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

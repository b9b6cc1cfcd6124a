// PEER delivers past the receiver's MAC filter, so only frames to the far port's own address may take it.
//
//   pod l                       this namespace                   pod r
//   +--------+         +----------------------------+         +--------+
//   | p0 ----+---------+-> hl == hop ==> PEER ------+---------+-> p0   |   frames to r's address
//   |        |         |          \\==> REDIRECT > hr+---------+-> p0   |   everything else
//   +--------+         +----------------------------+         +--------+
import { afterAll, beforeEach, describe, expect, test, jest } from '@jest/globals';
import { missingTcx } from '../../loader/features.ts';
import { HopFlag, type Hop } from '../../maps/layouts.gen.ts';
import { forwarding, hopKeyOf } from '../../src/dataplane/hops.ts';
import { ethernet, pattern } from '../bpf/frame.ts';
import { failOnLeakedFds } from '../fds.ts';
import { run } from '../pods.ts';
import { skipUnless } from '../skip.ts';
import { ipv4, sentinel } from './corpus.ts';
import { Capture, sendFrames } from './frames.ts';
import { Join } from './join.ts';

jest.setTimeout(30_000);

const FRAMES = 50;
const FOREIGN = '02:99:99:99:99:98';
const joins: Join[] = [];
afterAll(() => {
  for (const join of joins) join.close();
});

/** Packets the pod's IP stack took in, and frames the far host end sent. */
function counted(join: Join): { ip: number; host: number } {
  const snmp = join.pods.exec(join.names.right, 'cat', '/proc/net/snmp').split('\n');
  const [head, values] = snmp.filter((line) => line.startsWith('Ip:')).map((line) => line.split(' '));
  const shown = JSON.parse(run('ip', '-j', '-s', 'link', 'show', join.hosts.right)) as [
    { stats64: { tx: { packets: number } } },
  ];
  return { ip: Number(values?.[head?.indexOf('InReceives') ?? -1]), host: shown[0].stats64.tx.packets };
}

/** Sends IPv4 packets that differ only in their Ethernet destination; tells what became of them. */
async function deliver(
  join: Join,
  dst: string,
): Promise<{ captured: number; ip: number; redirected: number }> {
  const frame = ethernet(dst, join.macs.left, 0x0800, ipv4(17, pattern(30)));
  const last = sentinel(join.macs.left);
  const capture = await Capture.start(join.at('right'));
  const before = counted(join);
  sendFrames(join.at('left'), Array<Buffer>(FRAMES).fill(frame));
  sendFrames(join.at('left'), [last]);
  await capture.seen(last.toString('hex'));
  const lines = await capture.stop();
  const after = counted(join);
  return {
    captured: lines.filter((line) => line === frame.toString('hex')).length,
    ip: after.ip - before.ip,
    redirected: after.host - before.host - 1, // without the last one
  };
}

const tcx = skipUnless(missingTcx() === null, 'tcx needs Linux 6.6');
for (const { datapath, declare } of [
  { datapath: 'clsact', declare: describe },
  { datapath: 'tcx', declare: tcx.describe },
  { datapath: 'xdp', declare: describe },
] as const)
  declare(datapath, () => {
    const join = new Join(datapath);
    joins.push(join);
    const { macs } = join;
    const peer = datapath !== 'xdp';
    const hop = (more: Partial<Hop>): void => {
      const { id, left, right } = join.wire;
      join.dataplane.tables.hops.set(hopKeyOf(left), { ...forwarding(id, 'left', right, datapath), ...more });
    };

    describe.each([
      ["the host end bears the far port's address", { mac: macs.right, flags: 0 }],
      ['the hop says whose frames may take PEER', { mac: '02:00:00:00:00:77', flags: HopFlag.HOP_F_DMAC }],
    ])('%s', (_, { mac, flags }) => {
      beforeEach(() => {
        join.setHost('left', 'address', mac);
        hop({ flags });
      });

      test("frames to the port's own address reach its stack, by the shortest way there is", async () => {
        const redirected = peer ? 0 : FRAMES;
        expect(await deliver(join, macs.right)).toEqual({ captured: FRAMES, ip: FRAMES, redirected });
      });

      test.each([FOREIGN, macs.left])('frames to %s arrive and never reach its stack', async (dst) => {
        expect(await deliver(join, dst)).toEqual({ captured: FRAMES, ip: 0, redirected: FRAMES });
      });

      test.each(['ff:ff:ff:ff:ff:ff', '01:00:5e:00:00:01'])('frames to the group %s do', async (dst) => {
        expect(await deliver(join, dst)).toEqual({ captured: FRAMES, ip: FRAMES, redirected: FRAMES });
      });
    });

    if (peer)
      test('control: where the host end bears a foreign address, its frames do leak', async () => {
        join.setHost('left', 'address', FOREIGN);
        hop({ flags: 0 });
        expect(await deliver(join, FOREIGN)).toEqual({ captured: FRAMES, ip: FRAMES, redirected: 0 });
      });
  });

failOnLeakedFds();

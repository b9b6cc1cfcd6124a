import { afterAll, beforeEach, expect, test } from '@jest/globals';
import { BpfError } from '../../loader/error.ts';
import { attachXdp } from '../../loader/link/xdp.ts';
import { HopAct, HopFlag } from '../../maps/layouts.gen.ts';
import { tables } from '../../maps/table.ts';
import { failOnLeakedFds } from '../fds.ts';
import { makeDevice, removeDevices } from '../loader/device.ts';
import { skipUnless } from '../skip.ts';
import { Xdp, xdpMd } from './context.ts';
import { cases, entryPoints, FRAME_BYTES, OUT } from './forwarding.ts';
import { ethernet, macOf, pattern } from './frame.ts';
import { HopObject, hopOf } from './hop-object.ts';

//   frame --> [ vwire_xdp_own | vwire_xdp_guest | vwire_xdp_pass ] --> verdict, counters, drops
//                 hops, counters, drops, ports     (no device moves it: BPF_PROG_TEST_RUN)

const object = new HopObject('xdp_hop', { drops: 8 });
const programs = { own: object.program('vwire_xdp_own'), guest: object.program('vwire_xdp_guest') };
const pass = object.program('vwire_xdp_pass');
const ports = tables.ports(object.map('ports'));
const device = makeDevice();
// A test-run borrows the device's receive queue, which a veth has only while a program is attached.
const { link } = attachXdp(pass, device.ifindex, 'native');
const frame = ethernet('02:00:00:00:00:01', '02:00:00:00:00:02', 0x88b5, pattern(Number(FRAME_BYTES) - 14));
const verdicts = { drop: Xdp.DROP, next: Xdp.PASS, redirect: Xdp.REDIRECT };

const run = (program = programs.own, data = frame): { retval: number; out: Buffer } => {
  const ctx = xdpMd.encode({ data_end: data.length, ingress_ifindex: device.ifindex });
  const { retval, dataOut } = program.testRun({ data, ctx });
  return { retval, out: dataOut };
};

/** Whether a test-run can say which device the frame came from. */
function takesContext(): boolean {
  try {
    run(pass);
    return true;
  } catch (error) {
    if (error instanceof BpfError && error.code === 'EINVAL') return false;
    throw error;
  }
}
const kernel = skipUnless(takesContext(), 'test-runs of XDP programs with a context need Linux 5.14');

beforeEach(() => {
  object.clear();
  ports.set(OUT, OUT);
});
afterAll(() => {
  link.close();
  object.close();
  removeDevices();
});

for (const entry of entryPoints)
  kernel.describe(`vwire_xdp_${entry}`, () => {
    test.each(cases)('$description', ({ hop, verdict, forwarded, drops }) => {
      object.setHop(device.ifindex, hop && hopOf(hop));
      expect(run(programs[entry])).toEqual({ retval: verdicts[verdict[entry]], out: frame });
      expect(object.counts()).toEqual({ forwarded, drops: drops[entry] });
    });

    test.each([HopAct.HOP_PEER, HopAct.HOP_REDIRECT])(
      'a target that is no port is a counted drop (act %i)',
      (act) => {
        ports.delete(OUT);
        object.setHop(device.ifindex, hopOf({ act, out: OUT, wire: 7 }));
        expect(run(programs[entry])).toEqual({ retval: Xdp.DROP, out: frame });
        expect(object.counts()).toEqual({ forwarded: {}, drops: { '7/LEFT_TO_RIGHT/DROP_NO_PORT': 1n } });
      },
    );
  });

kernel.test('HOP_F_DMAC means nothing here: the egress device sorts frames by address itself', () => {
  const flagged = { flags: HopFlag.HOP_F_DMAC, dmac: macOf('02:00:00:00:00:77') };
  object.setHop(device.ifindex, hopOf({ act: HopAct.HOP_PEER, out: OUT, wire: 7, ...flagged }));
  expect(run().retval).toBe(Xdp.REDIRECT);
});

kernel.test('a full drops map costs the count and nothing else', () => {
  object.fillDrops();
  const before = object.counts().drops;
  expect(run().retval).toBe(Xdp.DROP);
  expect(object.counts().drops).toEqual(before);
});

kernel.test('vwire_xdp_pass passes everything and counts nothing, whatever the entry', () => {
  object.setHop(device.ifindex, hopOf({ act: HopAct.HOP_DROP, wire: 7 }));
  for (const data of [
    frame,
    frame.subarray(0, 14),
    ethernet('ff:ff:ff:ff:ff:ff', '00:00:00:00:00:00', 0, pattern(1486)),
  ])
    expect(run(pass, data)).toEqual({ retval: Xdp.PASS, out: data });
  expect(object.counts()).toEqual({ forwarded: {}, drops: {} });
});

failOnLeakedFds();

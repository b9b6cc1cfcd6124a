import { afterAll, describe, expect, test } from '@jest/globals';
import { missingTcx } from '../../loader/features.ts';
import { attachTcx, queryTcx } from '../../loader/link/tcx.ts';
import {
  attachClsact,
  detachClsact,
  queryClsact,
  removeClsact,
  replaceClsact,
} from '../../loader/link/clsact.ts';
import { BpfLink } from '../../loader/link/link.ts';
import { attachTracepoint } from '../../loader/link/tracepoint.ts';
import { attachXdp } from '../../loader/link/xdp.ts';
import { linksOf } from '../../loader/listing.ts';
import { setLog } from '../../loader/log.ts';
import { listPins, makePinDirectory, unpin } from '../../loader/pin.ts';
import { AttachType } from '../../loader/uapi.ts';
import { failOnLeakedFds } from '../fds.ts';
import { skipUnless } from '../skip.ts';
import { makeDevice, removeDevices } from './device.ts';
import { failure } from './failure.ts';
import { Sample } from './sample.ts';
import { until } from './until.ts';

const sample = new Sample();
const tc = sample.program('sample_tc');
const tcB = sample.program('sample_tc_b');
const xdpB = sample.program('sample_xdp_b');
const event = sample.program('sample_event');
const xdp = sample.program('sample_xdp');
const tracepoint = sample.program('sample_tp');
const links: BpfLink[] = [];
const held = (link: BpfLink): BpfLink => {
  links.push(link);
  return link;
};
const nowhere = 0x7ffffff0;

afterAll(() => {
  for (const link of links) link.close();
  setLog(null);
  removeDevices();
  sample.close();
});

const lacked = missingTcx();
const withTcx = skipUnless(lacked === null, 'this kernel lacks tcx');

skipUnless(lacked !== null, 'this kernel has tcx').test(
  'without tcx, the error says since when it is there',
  () => {
    expect(failure(() => attachTcx(tc, makeDevice().ifindex, 'ingress'))).toMatchObject({
      code: 'EINVAL',
      feature: { name: 'tcx', since: '6.6' },
    });
  },
);

withTcx.describe('tcx', () => {
  test('attaches, tells what it is, and detaches with its last holder', () => {
    const { ifindex } = makeDevice();
    const link = attachTcx(tc, ifindex, 'ingress');
    expect(link.info).toMatchObject({
      type: 'tcx',
      programId: tc.info.id,
      ifindex,
      attachType: AttachType.tcxIngress,
    });
    expect(queryTcx(ifindex, 'ingress').entries).toEqual([{ programId: tc.info.id, linkId: link.info.id }]);
    expect(queryTcx(ifindex, 'egress').entries).toEqual([]);
    link.close();
    link.close();
    expect(queryTcx(ifindex, 'ingress').entries).toEqual([]);
  });

  test('keeps the order that was asked for', () => {
    const { ifindex } = makeDevice();
    const at = (order: Parameters<typeof attachTcx>[3], program = tc): number =>
      held(attachTcx(program, ifindex, 'egress', order)).info.id;
    const order = (): number[] => queryTcx(ifindex, 'egress').entries.map(({ linkId }) => linkId);
    const c = at('last');
    const a = at('first', tcB);
    const [link] = links.slice(-1);
    if (!link) throw new Error('No link');
    const b = at({ after: { link } }, event);
    expect(order()).toEqual([a, b, c]);
  });

  test('a chain that changed since it was read is not touched', () => {
    const { ifindex } = makeDevice();
    const { revision } = queryTcx(ifindex, 'ingress');
    held(attachTcx(tc, ifindex, 'ingress', 'last', revision));
    expect(failure(() => attachTcx(tcB, ifindex, 'ingress', 'last', revision)).code).toBe('ESTALE');
  });

  test('changes its program in place, until its device is gone', async () => {
    const device = makeDevice();
    const link = held(attachTcx(tc, device.ifindex, 'ingress'));
    const { id } = link.info;
    link.update(tcB);
    expect(queryTcx(device.ifindex, 'ingress').entries).toEqual([{ programId: tcB.info.id, linkId: id }]);
    device.remove();
    await until(() => link.info.ifindex === 0);
    expect(
      failure(() => {
        link.update(tc);
      }).code,
    ).toBe('ENOLINK');
    link.detach();
  });

  test('errors name program and place', () => {
    expect(failure(() => attachTcx(tc, nowhere, 'ingress')).message).toBe(
      `Attach by tcx program 'sample_tc' at ifindex ${nowhere} ingress: ENODEV (no such device)`,
    );
    expect(failure(() => attachTcx(xdp, makeDevice().ifindex, 'ingress'))).toMatchObject({
      code: 'EINVAL',
      feature: null,
    });
    expect(failure(() => queryTcx(nowhere, 'egress')).code).toBe('ENODEV');
  });
});

describe('xdp', () => {
  test('native where the driver has it, and says so', () => {
    const { ifindex } = makeDevice();
    const { link, mode, nativeRefusal } = attachXdp(xdp, ifindex, 'auto');
    held(link);
    expect({ mode, nativeRefusal }).toEqual({ mode: 'native', nativeRefusal: null });
    expect(link.info).toMatchObject({ type: 'xdp', programId: xdp.info.id, ifindex });
    expect(failure(() => attachXdp(xdp, ifindex, 'auto'))).toMatchObject({ code: 'EBUSY' });
  });

  test('generic on request, and where the driver has no other', () => {
    const { link, mode } = attachXdp(xdp, makeDevice().ifindex, 'generic');
    held(link);
    expect(mode).toBe('generic');
    const loopback = 1;
    const fallen = attachXdp(xdp, loopback, 'auto');
    fallen.link.close();
    expect(fallen.mode).toBe('generic');
    expect(fallen.nativeRefusal?.feature?.name).toBe('native XDP in the driver of this device');
    expect(failure(() => attachXdp(xdp, loopback, 'native')).message).toContain(
      'this kernel lacks native XDP',
    );
  });

  test('no device, wrong program', () => {
    expect(failure(() => attachXdp(xdp, nowhere, 'auto')).errno).not.toBeNull();
    expect(failure(() => attachXdp(tc, makeDevice().ifindex, 'auto')).code).toBe('EINVAL');
  });
});

describe('tracepoint', () => {
  test('attaches where its section says', () => {
    const link = held(attachTracepoint(tracepoint));
    expect(link.info).toMatchObject({ type: 'raw_tracepoint', programId: tracepoint.info.id, ifindex: null });
  });

  test('refuses a program of another kind', () => {
    expect(failure(() => attachTracepoint(tc)).message).toContain('it is a sched_cls program');
  });
});

describe('clsact', () => {
  const slot = { handle: 0x7601, priority: 77 };

  test('attach, query, replace, detach; the qdisc is made once', () => {
    const { ifindex } = makeDevice();
    const said: string[] = [];
    setLog((_, text) => said.push(text));
    expect(queryClsact(ifindex, 'ingress', slot)).toBeNull();
    expect(attachClsact(tc, ifindex, 'ingress', slot)).toEqual({ existed: false });
    expect(attachClsact(tc, ifindex, 'egress', slot)).toEqual({ existed: true });
    expect(queryClsact(ifindex, 'ingress', slot)).toBe(tc.info.id);
    expect(failure(() => attachClsact(tcB, ifindex, 'ingress', slot)).message).toContain(
      'EEXIST (file already exists): ',
    );
    replaceClsact(tcB, ifindex, 'ingress', slot);
    expect(queryClsact(ifindex, 'ingress', slot)).toBe(tcB.info.id);
    expect(queryClsact(ifindex, 'egress', slot)).toBe(tc.info.id);
    expect(detachClsact(ifindex, 'ingress', slot)).toBe(true);
    expect(detachClsact(ifindex, 'ingress', slot)).toBe(false);
    expect(queryClsact(ifindex, 'ingress', slot)).toBeNull();
    expect(removeClsact(ifindex)).toBe(true);
    expect(removeClsact(ifindex)).toBe(false);
    expect(said).toEqual([]);
    expect(detachClsact(ifindex, 'egress', slot)).toBe(false);
    expect(failure(() => queryClsact(ifindex, 'egress', { handle: 1, priority: 0 })).message).toContain(
      'out of range',
    );
  });

  test('a failed attach takes its qdisc along', () => {
    const { ifindex } = makeDevice();
    expect(failure(() => attachClsact(xdp, ifindex, 'ingress', slot)).code).toBe('EINVAL');
    expect(removeClsact(ifindex)).toBe(false);
  });

  test('no device', () => {
    expect(failure(() => attachClsact(tc, nowhere, 'ingress', slot)).message).toContain('ENODEV');
    for (const act of [
      () => {
        replaceClsact(tc, nowhere, 'ingress', slot);
      },
      () => queryClsact(nowhere, 'ingress', slot),
      () => detachClsact(nowhere, 'ingress', slot),
      () => removeClsact(nowhere),
    ])
      expect(failure(act).code).toBe('ENODEV');
  });
});

describe('a link', () => {
  test('changes its program and keeps its id', () => {
    const link = held(attachXdp(xdp, makeDevice().ifindex, 'generic').link);
    const { id } = link.info;
    link.update(xdpB);
    expect(link.info).toMatchObject({ id, programId: xdpB.info.id });
    expect(
      failure(() => {
        link.update(xdp, xdp);
      }).code,
    ).toBe('EPERM');
    link.update(xdp, xdpB);
    expect(link.info.programId).toBe(xdp.info.id);
  });

  test('outlives its handle by a pin, under the same id, and is found by its program', async () => {
    const directory = '/sys/fs/bpf/loader_link';
    makePinDirectory(directory);
    const { ifindex } = makeDevice();
    const link = attachXdp(xdp, ifindex, 'generic').link;
    const { id } = link.info;
    link.pin(`${directory}/link`);
    expect(
      failure(() => {
        link.pin(`${directory}/link`);
      }).code,
    ).toBe('EEXIST');
    link.close();
    expect(listPins(directory)).toEqual([{ kind: 'link', name: 'link', path: `${directory}/link` }]);
    expect(linksOf([xdp.info.id]).map((info) => info.id)).toContain(id);
    const again = BpfLink.openPinned(`${directory}/link`);
    expect(again.info).toMatchObject({ id, ifindex });
    again.close();
    expect(unpin(`${directory}/link`)).toBe(true);
    expect(unpin(`${directory}/link`)).toBe(false);
    await until(() => !linksOf([xdp.info.id]).some((info) => info.id === id));
    expect(BpfLink.openId(id)).toBeNull();
  });

  test('detach ends it for all holders', () => {
    const { ifindex } = makeDevice();
    const link = held(attachXdp(xdp, ifindex, 'generic').link);
    link.detach();
    expect(link.info.ifindex).toBe(0);
    attachXdp(xdp, ifindex, 'generic').link.close();
    link.detach();
  });

  test('whose device is gone says so', async () => {
    const device = makeDevice();
    const link = held(attachXdp(xdp, device.ifindex, 'generic').link);
    device.remove();
    await until(() => link.info.ifindex === 0);
    expect(
      failure(() => {
        link.update(xdpB);
      }),
    ).toMatchObject({ code: 'ENOLINK', errno: 67 });
    link.detach();
  });
});

failOnLeakedFds();

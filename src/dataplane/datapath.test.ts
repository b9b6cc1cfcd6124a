import { describe, expect, test } from '@jest/globals';
import { chooseDatapath, type Question } from './datapath.ts';
import type { Port } from './port.ts';

const veth: Port = { kind: 'veth', ifindex: 1, name: 'v', mac: Buffer.alloc(6), made: true, pod: null };
const nic: Port = { kind: 'nic', ifindex: 2, name: 'eth0', mac: Buffer.alloc(6), made: false, pod: null };
const ask = (q: Partial<Question>): string =>
  chooseDatapath({ from: veth, to: veth, requested: 'auto', acceptNoOffload: false, tcx: true, ...q })
    .datapath;

describe('the choice of a datapath', () => {
  test.each([
    ['our own veth takes clsact', {}, 'clsact'],
    ['our own veth on an old kernel too', { tcx: false }, 'clsact'],
    ["somebody's NIC takes tcx", { from: nic }, 'tcx'],
    ["somebody's NIC on an old kernel takes clsact", { from: nic, tcx: false }, 'clsact'],
    ['tcx by force', { requested: 'tcx' }, 'tcx'],
    ['tcx by force on an old kernel is refused', { requested: 'tcx', tcx: false }, 'refused'],
    ['xdp on a veth is refused', { requested: 'xdp' }, 'refused'],
    ['xdp towards a veth is refused', { requested: 'xdp', from: nic }, 'refused'],
    ['xdp on a veth with the loss accepted', { requested: 'xdp', acceptNoOffload: true }, 'xdp'],
    ['xdp between NICs needs no acceptance', { requested: 'xdp', from: nic, to: nic }, 'xdp'],
  ] as const)('%s', (_, question, expected) => {
    expect(ask(question)).toBe(expected);
  });

  test('a refusal says what is allowed', () => {
    const answer = chooseDatapath({
      from: veth,
      to: veth,
      requested: 'xdp',
      acceptNoOffload: false,
      tcx: true,
    });
    expect(answer).toMatchObject({ allowed: 'auto, tcx, clsact, or xdp with --accept-no-offload' });
  });
});

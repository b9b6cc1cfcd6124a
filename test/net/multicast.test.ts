import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { findByName } from '../../src/net/device.ts';
import { hearsSolicitations, listGroups6, solicitedNodeGroup } from '../../src/net/multicast.ts';
import { NetlinkSocket } from '../../src/net/socket.ts';
import { within } from '../../src/net/within.ts';
import { eventually, Pods } from '../pods.ts';
import { ip, json } from './iproute.ts';

// pod: g0 === g1, both in it; g0 up, g1 down
const pods = new Pods();
const pod = pods.make('mc');
let socket: NetlinkSocket;
const ifindexOf = (name: string): number => findByName(socket, name)?.ifindex ?? 0;

beforeAll(() => {
  ip(`-n ${pod} link add g0 type veth peer name g1`);
  socket = within({ kind: 'name', name: pod }, () => NetlinkSocket.open());
  for (const address of ['fd00::1:2/64', 'fd00::a:1:2/64', 'fd00:1::ffff:1/128', '10.0.0.1/24'])
    ip(`-n ${pod} address add ${address} dev g0${address.includes(':') ? ' nodad' : ''}`);
});
afterAll(() => {
  socket.close();
  pods.close();
});

interface Maddr {
  maddr: { family: string; address?: string }[];
}
const shown = (name: string): string[] =>
  (json(`ip -n ${pod} -j -6 maddr show dev ${name}`) as Maddr[])
    .flatMap(({ maddr }) => maddr.flatMap(({ address }) => address ?? []))
    .sort();

test("a device's groups are those that iproute2 shows, and no other device's", async () => {
  ip(`-n ${pod} link set g0 up`);
  ip(`-n ${pod} link set g1 up`);
  await eventually(() => {
    expect(hearsSolicitations(socket, ifindexOf('g0'))).toBe(true);
  });
  for (const name of ['g0', 'g1']) {
    expect(shown(name)).toContain('ff02::1');
    expect(listGroups6(socket, ifindexOf(name)).sort()).toEqual(shown(name));
  }
  expect(listGroups6(socket, ifindexOf('g0'))).toEqual(
    expect.arrayContaining(['ff02::1:ff01:2', 'ff02::1:ffff:1']),
  );
});

test('a device without IPv6 addresses misses nothing', () => {
  ip(`-n ${pod} -6 address flush dev g1`);
  expect(hearsSolicitations(socket, ifindexOf('g1'))).toBe(true);
});

test.each([
  ['fd00::1:2', 'ff02::1:ff01:2'],
  ['fe80::aabb:ccff:fedd:eeff', 'ff02::1:ffdd:eeff'],
  ['::', 'ff02::1:ff00:0'],
])('%s is asked for at %s', (address, group) => {
  expect(solicitedNodeGroup(address)).toBe(group);
});

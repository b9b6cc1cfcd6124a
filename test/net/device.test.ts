import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  changeDevice,
  createVeth,
  deleteByIndex,
  deleteGroup,
  findByIndex,
  findByName,
  listDevices,
  rename,
  setAlias,
  setDown,
  setGroup,
  setMac,
  setMtu,
  setUp,
  type VethSpec,
} from '../../src/net/device.ts';
import { openNetns, withHandle } from '../../src/net/netns.ts';
import { within } from '../../src/net/within.ts';
import { NetlinkSocket } from '../../src/net/socket.ts';
import { Pods } from '../pods.ts';
import { ip, json, netFds, netFdsSince } from './iproute.ts';

interface IpLink {
  ifindex: number;
  ifname: string;
  link_index?: number;
  flags: string[];
  mtu: number;
  operstate: string;
  group: string;
  txqlen: number;
  address: string;
  ifalias?: string;
  linkinfo?: { info_kind?: string };
  gso_max_size: number;
  gro_max_size: number;
}

const spec = (name: string, more: Partial<VethSpec> = {}): VethSpec => ({
  name,
  mac: '02:00:00:00:00:01',
  mtu: 1500,
  group: 0,
  gso: null,
  peer: { name: `${name}p`, mac: '02:00:00:00:00:02', mtu: 1500, netnsFd: null },
  ...more,
});

const ipLinks = (command: string): IpLink[] => json(command) as IpLink[];

describe('devices', () => {
  let socket: NetlinkSocket;
  let fds: string[];
  const pods = new Pods();
  // Test files share the sandbox's own namespace: whoever lists devices has one to itself.
  const home = pods.make('home');
  const pod = pods.make('device');
  const ref = { kind: 'name', name: pod } as const;

  beforeAll(() => {
    fds = netFds();
    socket = within({ kind: 'name', name: home }, () => NetlinkSocket.open());
  });
  afterAll(() => {
    socket.close();
    pods.close();
    expect(netFdsSince(fds)).toEqual([]);
  });

  const ipLink = (name: string): IpLink | undefined =>
    ipLinks(`ip -n ${home} -d -j link show dev ${name}`)[0];

  test('a veth pair is born with both MACs, MTUs, the group and the peer in its namespace', async () => {
    const pair = withHandle(openNetns(ref), (netns) =>
      createVeth(
        socket,
        spec('nd0', {
          mtu: 1400,
          group: 77,
          peer: { name: 'eth7', mac: '02:00:00:00:00:09', mtu: 1300, netnsFd: netns.fd },
        }),
      ),
    );
    expect(ipLink('nd0')).toMatchObject({
      ifindex: pair.device.ifindex,
      address: '02:00:00:00:00:01',
      mtu: 1400,
      group: '77',
      link_index: pair.peerIfindex,
      linkinfo: { info_kind: 'veth' },
    });
    const [peer] = ipLinks(`ip -n ${pod} -d -j link show dev eth7`);
    expect(peer).toMatchObject({ ifindex: pair.peerIfindex, address: '02:00:00:00:00:09', mtu: 1300 });
    for (const one of [ipLink('nd0'), peer])
      expect(one).toMatchObject({ num_tx_queues: 1, num_rx_queues: 1 });
    expect(pair.peerNetnsid).not.toBeNull();
    expect(pair.device).toMatchObject({ up: false, kind: 'veth', mac: '02:00:00:00:00:01', group: 77 });
    expect(await deleteByIndex(socket, pair.device.ifindex)).toBe(true);
    expect(json(`ip -n ${pod} -j link show type veth`)).toEqual([]);
    expect(await deleteByIndex(socket, pair.device.ifindex)).toBe(false);
  });

  test('GSO and GRO sizes are set on both ends at creation', async () => {
    const gso = { gso: 196608, gro: 196608, gsoIpv4: 131072, groIpv4: 131072 };
    const { device, peerIfindex } = createVeth(socket, spec('nd1', { gso }));
    expect(device.sizes).toEqual(gso);
    expect(findByIndex(socket, peerIfindex)?.sizes).toEqual(gso);
    expect(ipLink('nd1')).toMatchObject({ gso_max_size: 196608, gro_max_size: 196608 });
    await deleteByIndex(socket, device.ifindex);
  });

  test('every change is what iproute2 reads', async () => {
    const { device } = createVeth(socket, spec('nd2'));
    const { ifindex } = device;
    setAlias(socket, ifindex, 'vwire:test:1:left');
    setMac(socket, ifindex, '02:00:00:00:00:0a');
    setMtu(socket, ifindex, 9000);
    setGroup(socket, ifindex, 5);
    changeDevice(socket, ifindex, { noArp: true, txQueueLength: 17 });
    rename(socket, ifindex, 'nd2b');
    setUp(socket, ifindex);
    const read = ipLink('nd2b');
    expect(read).toMatchObject({
      ifalias: 'vwire:test:1:left',
      address: '02:00:00:00:00:0a',
      mtu: 9000,
      group: '5',
      txqlen: 17,
    });
    expect(read?.flags).toEqual(expect.arrayContaining(['NOARP', 'UP', 'NO-CARRIER']));
    expect(findByIndex(socket, ifindex)).toMatchObject({
      alias: 'vwire:test:1:left',
      up: true,
      noArp: true,
      carrier: false,
      operstate: 'lowerlayerdown',
      txQueueLength: 17,
    });
    setAlias(socket, ifindex, '');
    setDown(socket, ifindex);
    expect(findByName(socket, 'nd2b')).toMatchObject({ alias: null, up: false });
    await deleteByIndex(socket, ifindex);
  });

  test('what iproute2 made is read back alike', () => {
    ip(`-n ${home} link add nd3 mtu 1234 address 02:00:00:00:00:33 group 9 type veth peer name nd3p`);
    ip(`-n ${home} link set nd3p up`);
    ip(`-n ${home} link set nd3 up alias hello`);
    ip(`-n ${home} link add nd3d type bridge`);
    const expected = ipLinks(`ip -n ${home} -d -j link show`).map((l) => ({
      ifindex: l.ifindex,
      name: l.ifname,
      mtu: l.mtu,
      mac: l.address,
      alias: l.ifalias ?? null,
      kind: l.linkinfo?.info_kind ?? null,
      operstate: l.operstate.toLowerCase(),
      up: l.flags.includes('UP'),
      txQueueLength: l.txqlen,
    }));
    const devices = listDevices(socket);
    expect(devices).toHaveLength(expected.length);
    for (const [i, e] of expected.entries()) expect(devices[i]).toMatchObject(e);
    expect(listDevices(socket, { kind: 'bridge' }).map((d) => d.name)).toEqual(['nd3d']);
    expect(findByName(socket, 'nd3')?.stats?.txPackets).toBeGreaterThanOrEqual(0n);
    ip(`-n ${home} link del nd3`);
    ip(`-n ${home} link del nd3d`);
  });

  test('a refusal names operation, object and errno, with the text of the kernel', () => {
    ip(`-n ${home} link add nd4 type bridge`);
    expect(() => createVeth(socket, spec('nd4'))).toThrow(
      /^Create veth 'nd4' failed: EEXIST \(File exists\)/,
    );
    expect(() => {
      setMtu(socket, findByName(socket, 'nd4')?.ifindex ?? 0, 10);
    }).toThrow(/EINVAL \(Invalid argument\): mtu less than device minimum/);
    expect(findByName(socket, 'nd4p')).toBeNull();
    expect(findByName(socket, 'nosuch')).toBeNull();
    expect(findByIndex(socket, 99999)).toBeNull();
    ip(`-n ${home} link del nd4`);
  });

  test('a group is deleted by one request; an empty one and group 0 are told apart', async () => {
    for (let i = 0; i < 20; i++) createVeth(socket, spec(`ng${i}`, { group: 4242 }));
    expect(await deleteGroup(socket, 4242)).toBe(true);
    expect(
      listDevices(socket, { kind: 'veth' }).filter((d) => d.name.startsWith('ng') && d.group === 4242),
    ).toEqual([]);
    expect(await deleteGroup(socket, 4242)).toBe(false);
    expect(() => deleteGroup(socket, 0)).toThrow(RangeError);
  });

  test('a socket opened in a namespace works there from outside', () => {
    const inside = within(ref, () => NetlinkSocket.open());
    ip(`-n ${pod} link add inner type bridge`);
    expect(findByName(inside, 'inner')?.kind).toBe('bridge');
    expect(findByName(socket, 'inner')).toBeNull();
    inside.close();
  });
});

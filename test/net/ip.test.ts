import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { addAddress, addressSpec, deleteAddress, listAddresses } from '../../src/net/addr.ts';
import { networkOf, parseCidr } from '../../src/net/cidr.ts';
import { findByName } from '../../src/net/device.ts';
import { deleteNeighbour, listNeighbours, setNeighbour } from '../../src/net/neigh.ts';
import { routeSpec } from '../../src/net/route.ts';
import { addRoute, deleteRoute, listRoutes, replaceRoute } from '../../src/net/routes.ts';
import { addRule, deleteRule, listRules, rule } from '../../src/net/rule.ts';
import { NetlinkSocket } from '../../src/net/socket.ts';
import { within } from '../../src/net/within.ts';
import { eventually, Pods } from '../pods.ts';
import { ip, json, netFds, netFdsSince } from './iproute.ts';

// pod: a0 === a1, both in it, up, without addresses of their own
describe('addresses, neighbours, routes and rules', () => {
  const pods = new Pods();
  const pod = pods.make('ip');
  const cidr = (text: string) => parseCidr(text, 'address');
  let fds: string[];
  let socket: NetlinkSocket;
  let a0 = 0;

  beforeAll(() => {
    fds = netFds();
    ip(`-n ${pod} link add a0 type veth peer name a1`);
    for (const name of ['a0', 'a1']) {
      ip(`-n ${pod} link set ${name} addrgenmode none`);
      ip(`-n ${pod} link set ${name} up`);
    }
    socket = within({ kind: 'name', name: pod }, () => NetlinkSocket.open());
    a0 = findByName(socket, 'a0')?.ifindex ?? 0;
  });
  afterAll(() => {
    socket.close();
    pods.close();
    expect(netFdsSince(fds)).toEqual([]);
  });

  interface IpAddress {
    family: string;
    local: string;
    address?: string;
    prefixlen: number;
    nodad?: boolean;
    noprefixroute?: boolean;
  }
  const ipAddresses = (): IpAddress[] =>
    (json(`ip -n ${pod} -j addr show dev a0`) as { addr_info: IpAddress[] }[])[0]?.addr_info ?? [];

  test('addresses we add are what iproute2 reads', () => {
    const specs = [
      addressSpec(a0, cidr('10.1.0.7/24')),
      addressSpec(a0, cidr('10.2.0.1/32'), { peer: '10.2.0.2' }),
      addressSpec(a0, cidr('10.3.0.1/24'), { noPrefixRoute: true }),
      addressSpec(a0, cidr('2001:db8::7/64'), { noDad: true }),
      addressSpec(a0, cidr('2001:db8:1::7/64'), { noDad: true, noPrefixRoute: true }),
    ];
    for (const spec of specs) addAddress(socket, spec);
    expect(ipAddresses()).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ family: 'inet', local: '10.1.0.7', prefixlen: 24 }),
        expect.objectContaining({ local: '10.2.0.1', address: '10.2.0.2', prefixlen: 32 }),
        expect.objectContaining({ local: '10.3.0.1', noprefixroute: true }),
        expect.objectContaining({ family: 'inet6', local: '2001:db8::7', prefixlen: 64, nodad: true }),
        expect.objectContaining({ local: '2001:db8:1::7', nodad: true, noprefixroute: true }),
      ]),
    );
    const read = listAddresses(socket, a0);
    expect(read).toHaveLength(specs.length);
    for (const spec of specs) expect(read).toContainEqual(expect.objectContaining(spec));
    expect(read.every((address) => address.permanent && !address.tentative)).toBe(true);
    expect(() => {
      addAddress(socket, addressSpec(a0, cidr('10.1.0.7/24')));
    }).toThrow(/^Add address '10\.1\.0\.7\/24' failed: EEXIST/);
    for (const spec of specs) deleteAddress(socket, spec);
    expect(ipAddresses()).toEqual([]);
    expect(() => {
      deleteAddress(socket, addressSpec(a0, cidr('10.1.0.7/24')));
    }).toThrow('EADDRNOTAVAIL');
  });

  test('addresses iproute2 adds are read alike, and duplicate address detection is seen to end', async () => {
    ip(`-n ${pod} addr add 192.0.2.1/28 dev a0`);
    ip(`-n ${pod} addr add 192.0.2.65 peer 192.0.2.66/31 dev a0`);
    ip(`-n ${pod} addr add 2001:db8:9::1/48 dev a0`);
    const read = listAddresses(socket, a0);
    expect(read.map(({ cidr, peer }) => ({ ...cidr, peer }))).toEqual([
      { family: 4, address: '192.0.2.1', prefix: 28, peer: null },
      { family: 4, address: '192.0.2.65', prefix: 31, peer: '192.0.2.66' },
      { family: 6, address: '2001:db8:9::1', prefix: 48, peer: null },
    ]);
    await eventually(() => {
      expect(listAddresses(socket, a0).some((address) => address.tentative)).toBe(false);
    });
    expect(listAddresses(socket, null).some((address) => address.cidr.address === '127.0.0.1')).toBe(true);
    ip(`-n ${pod} addr flush dev a0`);
  });

  test('permanent neighbours of both families, ours and theirs', () => {
    setNeighbour(socket, a0, '10.1.0.8', '02:00:00:00:00:08');
    setNeighbour(socket, a0, '10.1.0.8', '02:00:00:00:00:09');
    setNeighbour(socket, a0, '2001:db8::8', '02:00:00:00:00:0a');
    ip(`-n ${pod} neigh add 10.1.0.9 lladdr 02:00:00:00:00:0b nud stale dev a0`);
    const permanent = expect.arrayContaining([
      expect.objectContaining({ dst: '10.1.0.8', lladdr: '02:00:00:00:00:09', state: ['PERMANENT'] }),
      expect.objectContaining({ dst: '2001:db8::8', lladdr: '02:00:00:00:00:0a', state: ['PERMANENT'] }),
    ]);
    expect([
      ...(json(`ip -n ${pod} -4 -j neigh show nud all dev a0`) as unknown[]),
      ...(json(`ip -n ${pod} -6 -j neigh show nud all dev a0`) as unknown[]),
    ]).toEqual(permanent);
    expect(listNeighbours(socket, a0)).toEqual(
      expect.arrayContaining([
        { ifindex: a0, address: '10.1.0.8', mac: '02:00:00:00:00:09', state: 'permanent' },
        { ifindex: a0, address: '2001:db8::8', mac: '02:00:00:00:00:0a', state: 'permanent' },
        { ifindex: a0, address: '10.1.0.9', mac: '02:00:00:00:00:0b', state: 'stale' },
      ]),
    );
    expect(listNeighbours(socket, null).length).toBeGreaterThanOrEqual(3);
    for (const address of ['10.1.0.8', '10.1.0.9', '2001:db8::8']) deleteNeighbour(socket, a0, address);
    expect(listNeighbours(socket, a0).filter(({ state }) => state === 'permanent')).toEqual([]);
    expect(() => {
      deleteNeighbour(socket, a0, '10.9.9.9');
    }).toThrow(/^Delete neighbour '10\.9\.9\.9' failed: ENOENT/);
  });

  test('routes we add are what iproute2 reads', () => {
    addAddress(socket, addressSpec(a0, cidr('10.1.0.7/24')));
    addAddress(socket, addressSpec(a0, cidr('2001:db8::7/64'), { noDad: true }));
    const routes = [
      routeSpec(4, null, { gateway: '10.1.0.1', oif: a0, metric: 50 }),
      routeSpec(4, networkOf(cidr('172.16.5.9/16')), {
        gateway: '10.1.0.1',
        oif: a0,
        mtu: 1300,
        table: 1000,
      }),
      routeSpec(4, cidr('10.7.0.0/24'), { oif: a0, prefSrc: '10.1.0.7' }),
      routeSpec(4, cidr('10.8.0.0/24'), { gateway: '10.99.0.1', oif: a0, onlink: true }),
      routeSpec(4, cidr('10.10.0.0/24'), { gateway: '2001:db8::1', oif: a0 }),
      routeSpec(6, cidr('2001:db8:7::/48'), { gateway: '2001:db8::1', oif: a0, metric: 77 }),
      routeSpec(4, cidr('10.9.0.0/24'), { type: 'blackhole', scope: 0 }),
    ];
    for (const route of routes) addRoute(socket, route);
    const show = (more: string): unknown => json(`ip -n ${pod} ${more}`);
    expect(show('-4 -j -d route show table main')).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          dst: 'default',
          gateway: '10.1.0.1',
          dev: 'a0',
          metric: 50,
          protocol: 'static',
        }),
        expect.objectContaining({ dst: '10.7.0.0/24', prefsrc: '10.1.0.7', scope: 'link' }),
        expect.objectContaining({ dst: '10.8.0.0/24', gateway: '10.99.0.1', flags: ['onlink'] }),
        expect.objectContaining({ dst: '10.10.0.0/24', via: { family: 'inet6', host: '2001:db8::1' } }),
        expect.objectContaining({ type: 'blackhole', dst: '10.9.0.0/24' }),
      ]),
    );
    expect(show('-4 -j route show table 1000')).toEqual([
      expect.objectContaining({ dst: '172.16.0.0/16', metrics: [{ mtu: 1300 }] }),
    ]);
    expect(show('-6 -j route show 2001:db8:7::/48')).toEqual([
      expect.objectContaining({ gateway: '2001:db8::1', metric: 77 }),
    ]);
    const read = [
      ...listRoutes(socket, 4, 254),
      ...listRoutes(socket, 4, 1000),
      ...listRoutes(socket, 6, 254),
    ];
    for (const route of routes) expect(read).toContainEqual(expect.objectContaining(route));
    expect(listRoutes(socket, 4, 4711)).toEqual([]);
    expect(listRoutes(socket, 4, null).some((route) => route.table === 1000)).toBe(true);
    for (const route of routes) deleteRoute(socket, route);
    expect(() => {
      deleteRoute(socket, routeSpec(4, null, { gateway: '10.1.0.1', oif: a0, metric: 50 }));
    }).toThrow(/^Delete route 'default via 10\.1\.0\.1 dev ifindex \d+' failed: ESRCH/);
    expect(() => {
      addRoute(socket, routeSpec(4, cidr('10.7.0.1/24'), { oif: a0 }));
    }).toThrow(/EINVAL \(Invalid argument\): Invalid prefix/);
    ip(`-n ${pod} addr flush dev a0`);
  });

  test('routes iproute2 adds are read alike, branches included; a replaced one changes in place', () => {
    ip(`-n ${pod} addr add 10.1.0.7/24 dev a0`);
    ip(`-n ${pod} route add 10.20.0.0/16 nexthop via 10.1.0.1 weight 2 nexthop via 10.1.0.2 dev a0`);
    ip(`-n ${pod} route add unreachable 10.21.0.0/16 metric 9`);
    const main = listRoutes(socket, 4, 254);
    expect(main.find((route) => route.dst?.address === '10.20.0.0')?.nexthops).toEqual([
      { oif: a0, gateway: '10.1.0.1', weight: 2 },
      { oif: a0, gateway: '10.1.0.2', weight: 1 },
    ]);
    expect(main).toContainEqual(expect.objectContaining({ type: 'unreachable', metric: 9, oif: null }));
    expect(main).toContainEqual(
      expect.objectContaining({ dst: cidr('10.1.0.0/24'), prefSrc: '10.1.0.7', protocol: 2, scope: 253 }),
    );
    const route = routeSpec(4, cidr('10.22.0.0/16'), { gateway: '10.1.0.1', oif: a0 });
    replaceRoute(socket, route);
    replaceRoute(socket, { ...route, gateway: '10.1.0.2' });
    expect(json(`ip -n ${pod} -j route show 10.22.0.0/16`)).toEqual([
      expect.objectContaining({ gateway: '10.1.0.2' }),
    ]);
    ip(`-n ${pod} addr flush dev a0`);
  });

  test('rules, ours and theirs', () => {
    const ours = rule(4, 1000, {
      priority: 100,
      src: cidr('10.5.0.0/16'),
      dst: cidr('10.6.0.0/16'),
      iif: 'a0',
      fwmark: 5,
      fwmask: 255,
      ipProto: 6,
      sport: { from: 1000, to: 2000 },
      dport: { from: 80, to: 80 },
      invert: true,
    });
    addRule(socket, ours);
    addRule(socket, rule(6, 2000, { priority: 101, suppressPrefix: 0 }));
    ip(`-n ${pod} rule add priority 102 to 10.7.0.0/16 oif a1 blackhole`);
    expect(json(`ip -n ${pod} -4 -j rule show priority 100`)).toEqual([
      expect.objectContaining({
        not: null,
        src: '10.5.0.0',
        srclen: 16,
        dst: '10.6.0.0',
        dstlen: 16,
        iif: 'a0',
        fwmark: '0x5',
        fwmask: '0xff',
        ipproto: 'tcp',
        sport_start: 1000,
        sport_end: 2000,
        table: '1000',
      }),
    ]);
    expect(json(`ip -n ${pod} -6 -j rule show priority 101`)).toEqual([
      expect.objectContaining({ table: '2000', suppress_prefixlen: 0 }),
    ]);
    const read = listRules(socket, 4);
    expect(read).toContainEqual(ours);
    expect(read).toContainEqual(
      rule(4, 0, { priority: 102, action: 'blackhole', dst: cidr('10.7.0.0/16'), oif: 'a1' }),
    );
    expect(() => {
      addRule(socket, ours);
    }).toThrow(/^Add rule 'table 1000' failed: EEXIST/);
    deleteRule(socket, ours);
    expect(listRules(socket, 4).map((r) => r.priority)).not.toContain(100);
    expect(() => {
      deleteRule(socket, ours);
    }).toThrow('ENOENT');
  });
});

import { describe, expect, test } from '@jest/globals';
import { ipOfBothSides, type IpPair } from './ip-pair.ts';

const pair = (more: Partial<IpPair>): IpPair => ({
  src: [],
  dst: [],
  srcRoutes: [],
  dstRoutes: [],
  neighbors: [],
  policies: [],
  ...more,
});

describe('what both interfaces get of one IP context', () => {
  test('nothing of nothing', () => {
    const none = { addresses: [], routes: [], neighbors: [], policies: [] };
    expect(ipOfBothSides(pair({}))).toEqual({ left: none, right: none });
  });

  test('host addresses get link routes to each other, per family', () => {
    const { left, right } = ipOfBothSides(
      pair({ src: ['172.16.1.1/32', '2001:db8::1/128'], dst: ['172.16.1.0/32', '2001:db8::/128'] }),
    );
    expect(left.addresses).toEqual(['172.16.1.1/32', '2001:db8::1/128']);
    expect(left.routes).toEqual([
      { prefix: '172.16.1.0/32', via: null },
      { prefix: '2001:db8::/128', via: null },
    ]);
    expect(right.routes).toEqual([
      { prefix: '172.16.1.1/32', via: null },
      { prefix: '2001:db8::1/128', via: null },
    ]);
  });

  test('a peer within the own network needs none, one without a family in common has none', () => {
    const { left, right } = ipOfBothSides(pair({ src: ['10.0.0.1/24'], dst: ['10.0.0.2/24', 'fd00::2/64'] }));
    expect(left.routes).toEqual([]);
    expect(right.routes).toEqual([]);
  });

  test('the route a test of the policy example wants: the peer only where no own network has it', () => {
    const { left } = ipOfBothSides(
      pair({ src: ['10.0.0.1/32', '10.9.0.1/16'], dst: ['10.9.3.4/32', '10.8.0.1/32'] }),
    );
    expect(left.routes).toEqual([{ prefix: '10.8.0.1/32', via: null }]);
  });

  test('a route goes by the gateway it names, else by the first peer of its family, else on the link', () => {
    const { left } = ipOfBothSides(
      pair({
        src: ['172.16.1.1/32', 'fd00::1/128'],
        dst: ['172.16.1.0/32', 'fd00::/128'],
        srcRoutes: [
          { prefix: '10.5.0.0/16', via: '172.16.1.7' },
          { prefix: '10.6.1.1/16', via: null },
          { prefix: 'fd01::/64', via: null },
          { prefix: '172.16.1.0/32', via: null },
        ],
      }),
    );
    expect(left.routes).toEqual([
      { prefix: '172.16.1.0/32', via: null },
      { prefix: 'fd00::/128', via: null },
      { prefix: '10.5.0.0/16', via: '172.16.1.7' },
      { prefix: '10.6.0.0/16', via: '172.16.1.0' },
      { prefix: 'fd01::/64', via: 'fd00::' },
    ]);
  });

  test('neighbours are for both sides, but nobody is a neighbour of itself', () => {
    const mac = '02:00:00:00:00:01';
    const { left, right } = ipOfBothSides(
      pair({ src: ['10.0.0.1/24'], dst: ['10.0.0.2/24'], neighbors: [{ address: '10.0.0.2', mac }] }),
    );
    expect(left.neighbors).toEqual([{ address: '10.0.0.2', mac }]);
    expect(right.neighbors).toEqual([]);
  });

  test('an address said twice is one', () => {
    expect(ipOfBothSides(pair({ src: ['10.0.0.1/24', '10.0.0.1/24'] })).left.addresses).toEqual([
      '10.0.0.1/24',
    ]);
  });

  test.each([
    [{ src: ['10.0.0.1'] }, 'connection.context.ip_context.src_ip_addrs[0]', '10.0.0.1'],
    [{ dst: ['10.0.0.1/24', 'x/24'] }, 'connection.context.ip_context.dst_ip_addrs[1]', 'x/24'],
    [
      { srcRoutes: [{ prefix: '10.0.0.0/33', via: null }] },
      'connection.context.ip_context.src_routes[0].prefix',
      '10.0.0.0/33',
    ],
    [
      { dstRoutes: [{ prefix: '10.0.0.0/8', via: 'gw' }] },
      'connection.context.ip_context.dst_routes[0].nextHop',
      'gw',
    ],
    [
      { neighbors: [{ address: 'here', mac: '02:00:00:00:00:01' }] },
      'connection.context.ip_context.ip_neighbors[0].ip',
      'here',
    ],
  ])('%j is refused by name', (more, field, value) => {
    expect(() => ipOfBothSides(pair(more))).toThrow(
      expect.objectContaining({ name: 'Failure', code: 'invalid', field, value }),
    );
  });
});

import { clone, create, equals } from '@bufbuild/protobuf';
import { describe, expect, test } from '@jest/globals';
import { again, ask, type Asked, endpoint, ipOf, request } from '../../../../test/sdk/asked.ts';
import { ConnectionSchema, State } from '../proto/connection_pb.ts';
import { PolicyRouteSchema } from '../proto/connectioncontext_pb.ts';

describe('an answer', () => {
  test('has addresses, routes, the mechanism with the endpoint’s namespace, and its segment', () => {
    const answered = ask(endpoint(), request('a1', { labels: { app: 'x' } }));
    expect(answered).toMatchObject({
      id: 'a1',
      networkService: 'vpn',
      networkServiceEndpointName: 'nse',
      labels: { app: 'x' },
      state: State.UP,
      mechanism: { cls: 'LOCAL', type: 'KERNEL', parameters: { inodeURL: 'inode://4/4026532001' } },
      context: {
        ipContext: {
          srcIpAddrs: ['10.0.0.1/32', 'fd00::1/128'],
          dstIpAddrs: ['10.0.0.0/32', 'fd00::/128'],
          srcRoutes: [{ prefix: '192.168.0.0/16', nextHop: '' }],
          dstRoutes: [],
        },
        MTU: 0,
      },
      path: {
        index: 1,
        pathSegments: [
          { name: 'client', id: 'of a1' },
          { name: 'vwire', id: 'a1' },
          { name: 'nse', id: 'e1' },
        ],
      },
    });
    expect(answered.mechanism?.parameters.name).toMatch(/^vpn-[0-9A-Za-z]{11}$/);
  });

  test('to a refresh is the same', () => {
    const nse = endpoint();
    const first = ask(nse, request('a1'));
    ask(nse, request('a2'));
    expect(equals(ConnectionSchema, ask(nse, again(first)), first)).toBe(true);
    expect(nse.connections).toHaveLength(2);
  });

  test('to an agent that never heard the first one is the same', () => {
    const nse = endpoint();
    const first = ask(nse, request('a1'));
    expect(equals(ConnectionSchema, ask(nse, request('a1')), first)).toBe(true);
  });

  test('leaves routes and policies to nobody else', () => {
    const hostile = request('a1', {
      context: { ipContext: { dstRoutes: [{ prefix: '0.0.0.0/0' }], policies: [{ dstPort: '22' }] } },
    });
    expect(ipOf(ask(endpoint(), hostile))).toMatchObject({ dstRoutes: [], policies: [] });
  });

  test('says policies, routes of its own, name servers and the MTU', () => {
    const nse = endpoint({
      endpointRoutes: [{ prefix: '10.9.0.0/16', via: '10.0.0.1' }],
      policies: [
        {
          from: '172.16.2.201/24',
          ipProto: '6',
          sport: null,
          dport: '6666-6670',
          routes: [{ prefix: '0.0.0.0/0', via: '172.16.2.200' }],
        },
      ],
      dns: [{ servers: ['10.0.0.53', 'FD00::53'], searchDomains: ['vpn.example'] }],
      mtu: 1400,
      payload: 'IP',
    });
    const theirs = { dnsServerIps: ['192.0.2.53'] };
    const answered = ask(nse, request('a1', { context: { dnsContext: { configs: [theirs] }, MTU: 9000 } }));
    const ours = { dnsServerIps: ['10.0.0.53', 'fd00::53'], searchDomains: ['vpn.example'] };
    expect(answered).toMatchObject({
      payload: 'IP',
      context: {
        ipContext: {
          srcIpAddrs: ['10.0.0.1/32', 'fd00::1/128', '172.16.2.201/24'],
          dstRoutes: [{ prefix: '10.9.0.0/16', nextHop: '10.0.0.1' }],
          policies: [
            {
              from: '172.16.2.201/24',
              proto: '6',
              srcPort: '',
              dstPort: '6666-6670',
              routes: [{ prefix: '0.0.0.0/0', nextHop: '172.16.2.200' }],
            },
          ],
        },
        dnsContext: { configs: [theirs, ours] },
        MTU: 1400,
      },
    });
    expect(ask(nse, again(answered)).context?.dnsContext?.configs).toHaveLength(2);
  });

  test('gives what policies match by where that is an address, is its own, and only as long as they say so', () => {
    const policy = { ipProto: '6', sport: null, dport: null, routes: [] };
    const from = (...prefixes: string[]) => prefixes.map((prefix) => ({ ...policy, from: prefix }));
    const nse = endpoint({
      policies: from(
        '172.16.2.201/24',
        '2004::3/120',
        '192.0.2.7/32',
        '10.8.0.0/16',
        '10.0.0.9/24',
        'FD00::/64',
      ),
    });
    const leased = ['10.0.0.1/32', 'fd00::1/128'];
    const first = ask(nse, request('a1'));
    const given = [...leased, '172.16.2.201/24', '2004::3/120', '192.0.2.7/32'];
    expect(ipOf(first)?.srcIpAddrs).toEqual(given);
    expect(equals(ConnectionSchema, ask(nse, again(first)), first)).toBe(true);
    const [told] = nse.change({ policies: from('2004::3/120', '192.0.2.8/32') });
    const changed = [...leased, '2004::3/120', '192.0.2.8/32'];
    expect(told && ipOf(told)?.srcIpAddrs).toEqual(changed);
    const second = ask(nse, again(first));
    expect(ipOf(second)?.srcIpAddrs).toEqual(changed);
    nse.change({ policies: [] });
    // Who says that its leased addresses were a policy's keeps them.
    const hostile = again(second);
    hostile.connection?.context?.ipContext?.policies.push(create(PolicyRouteSchema, { from: '10.0.0.1/32' }));
    expect(ipOf(ask(nse, hostile))?.srcIpAddrs).toEqual(leased);
  });

  test.each([
    [null, 0, 0],
    [null, 1300, 1300],
    [1400, 0, 1400],
    [1400, 1300, 1300],
    [1400, 9000, 1400],
  ])('of an endpoint with MTU %s to a client with %s has %s', (mtu, wanted, expected) => {
    expect(ask(endpoint({ mtu }), request('a1', { context: { MTU: wanted } })).context?.MTU).toBe(expected);
  });

  test('that is withdrawn never was', () => {
    const nse = endpoint();
    nse.answer(request('a1')).withdraw();
    expect(nse.connections).toEqual([]);
    expect(nse.pools.map(({ used }) => used)).toEqual([0, 0]);
    expect(ipOf(ask(nse, request('a2')))?.srcIpAddrs[0]).toBe('10.0.0.1/32');
  });

  test('keeps what was changed of it before it was accepted', () => {
    const nse = endpoint();
    const answer = nse.answer(request('a1'));
    answer.connection.labels.tier = 'gold';
    expect(answer.accept().labels).toEqual({ tier: 'gold' });
    expect(nse.connections).toMatchObject([{ id: 'e1', labels: { tier: 'gold' }, path: { index: 2 } }]);
  });
});

describe('an interface name', () => {
  const agreed = (name: string): Asked => ({
    mechanism: { cls: 'LOCAL', type: 'KERNEL', parameters: { name } },
  });

  test('comes out of the connection’s id, so a restart finds it again', () => {
    const first = ask(endpoint(), request('a1')).mechanism?.parameters.name;
    expect(ask(endpoint(), request('a1')).mechanism?.parameters.name).toBe(first);
    expect(ask(endpoint({}, 7), request('a1')).mechanism?.parameters.name).not.toBe(first);
  });

  test('is the one the agent says it made', () => {
    const nse = endpoint({ interfacePrefix: 'tun' });
    expect(ask(nse, request('a1')).mechanism?.parameters.name).toMatch(/^tun-[0-9A-Za-z]{11}$/);
    expect(ask(nse, request('a1', agreed('vpn0'))).mechanism?.parameters.name).toBe('vpn0');
    expect(ask(nse, request('a1')).mechanism?.parameters.name).toBe('vpn0');
  });

  test('of another connection is refused, and free once that one has ended', () => {
    const nse = endpoint();
    const first = ask(nse, request('a1', agreed('vpn0')));
    expect(() => nse.answer(request('a2', agreed('vpn0')))).toThrow(
      expect.objectContaining({
        code: 'refused',
        field: "connection.mechanism.parameters['name']",
        message: "Interface name 'vpn0' is that of another connection of endpoint 'nse'",
      }),
    );
    nse.close(first);
    expect(ask(nse, request('a2', agreed('vpn0'))).mechanism?.parameters.name).toBe('vpn0');
  });
});

describe('a connection that ends', () => {
  test('gives its addresses back, by what the agent knows of it', () => {
    const nse = endpoint();
    ask(nse, request('a1'));
    const asked = request('a1').connection;
    expect(asked && nse.close(asked)).toMatchObject({ id: 'e1' });
    expect(nse.pools.map(({ used }) => used)).toEqual([0, 0]);
  });

  test('twice, or that never was, is nothing', () => {
    const nse = endpoint();
    const answered = ask(nse, request('a1'));
    nse.close(answered);
    expect(nse.close(answered)).toBeNull();
    expect(nse.close(create(ConnectionSchema))).toBeNull();
  });
});

describe('after a restart', () => {
  test('connections of before have the same ids, addresses and names, whoever comes first', () => {
    const before = endpoint();
    ask(before, request('gone'));
    const kept = ask(before, request('a1'));
    const after = endpoint({}, 10);
    // The agent shows its own view, with the client's mechanism.
    const shown = clone(ConnectionSchema, kept);
    if (shown.mechanism !== undefined) shown.mechanism.parameters = { name: 'nsm-1' };
    expect(after.restore(shown)).toBe(true);
    expect(after.restore(shown)).toBe(false);
    expect(ipOf(ask(after, request('new')))?.srcIpAddrs[0]).toBe('10.0.0.1/32');
    const back = ask(after, request('a1'));
    expect(equals(ConnectionSchema, back, kept)).toBe(true);
    expect(after.answer(request('a1')).first).toBe(false);
  });

  test('a connection of another endpoint is not this one’s, not if it is its client', () => {
    const shown = ask(endpoint({ name: 'other' }), request('a1'));
    expect(endpoint().restore(shown)).toBe(false);
    expect(endpoint({ name: 'client' }).restore(shown)).toBe(false);
  });
});

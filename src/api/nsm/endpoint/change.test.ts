import { equals } from '@bufbuild/protobuf';
import { describe, expect, test } from '@jest/globals';
import { again, ask, endpoint, ipOf, request } from '../../../../test/sdk/asked.ts';
import { ConnectionSchema, State } from '../proto/connection_pb.ts';

describe('other settings', () => {
  test('are told of the connections they change, and given to who asks again', () => {
    const nse = endpoint();
    const [first, second] = [ask(nse, request('a1')), ask(nse, request('a2'))];
    const routes = [{ prefix: '10.200.0.0/16', via: null }];
    const told = nse.change({ routes });
    expect(told).toMatchObject([
      { id: 'e1', state: State.REFRESH_REQUESTED, path: { index: 2 } },
      { id: 'e2', context: { ipContext: { srcRoutes: [{ prefix: '10.200.0.0/16' }] } } },
    ]);
    expect(nse.change({ routes })).toEqual([]);
    // Both as they know it.
    for (const known of [again(first), request('a2')])
      expect(ipOf(ask(nse, known))?.srcRoutes).toMatchObject([{ prefix: '10.200.0.0/16' }]);
    expect(ipOf(ask(nse, again(second)))?.srcIpAddrs).toEqual(ipOf(second)?.srcIpAddrs);
  });

  test('with other pools give other addresses, and no old one comes back', () => {
    const nse = endpoint();
    const first = ask(nse, request('a1'));
    const [told] = nse.change({ pools: ['10.1.0.0/24', 'fd00::/64'] });
    const expected = ['10.1.0.1/32', 'fd00::1/128'];
    expect(told && ipOf(told)?.srcIpAddrs).toEqual(expected);
    expect(ipOf(ask(nse, again(first)))?.srcIpAddrs).toEqual(expected);
  });

  test('with name servers replace those it said before', () => {
    const nse = endpoint({ dns: [{ servers: ['10.0.0.53'], searchDomains: [] }] });
    const first = ask(nse, request('a1'));
    expect(nse.change({ dns: [{ servers: ['10.0.0.54'], searchDomains: [] }] })).toHaveLength(1);
    expect(ask(nse, again(first)).context?.dnsContext?.configs).toMatchObject([
      { dnsServerIps: ['10.0.0.54'] },
    ]);
    const [told] = nse.change({ dns: [] });
    expect(told?.context?.dnsContext).toBeUndefined();
  });

  test('with an MTU do not take what the wire has for a wish', () => {
    const nse = endpoint();
    const first = ask(nse, request('a1'));
    // The agent says what the wire came to have.
    if (first.context !== undefined) first.context.MTU = 1500;
    ask(nse, again(first));
    expect(nse.change({ mtu: 9000 })).toMatchObject([{ context: { MTU: 9000 } }]);
    expect(nse.change({ mtu: 1300 })).toMatchObject([{ context: { MTU: 1300 } }]);
  });

  test('that cannot be change nothing', () => {
    const nse = endpoint();
    const first = ask(nse, request('a1'));
    expect(() => nse.change({ pools: ['10.1.0.0/24', '10.1.0.0/16'] })).toThrow('overlaps');
    expect(() => nse.change({ routes: [{ prefix: '10.0.0.0/8', via: 'fd00::1' }] })).toThrow(
      "routes[0].via is 'fd00::1': it is of another family than '10.0.0.0/8': allowed is an IPv4 address",
    );
    expect(equals(ConnectionSchema, ask(nse, again(first)), first)).toBe(true);
  });
});

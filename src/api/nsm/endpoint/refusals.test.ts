import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from '@jest/globals';
import { ask, endpoint, request } from '../../../../test/sdk/asked.ts';
import type { Failure } from '../../../features/failure.ts';
import { type NetworkServiceRequest, NetworkServiceRequestSchema } from '../proto/networkservice_pb.ts';
import type { EndpointSettings } from './settings.ts';

describe('a request is refused', () => {
  const refusals: [string, NetworkServiceRequest, Partial<Failure>][] = [
    [
      'without a connection',
      create(NetworkServiceRequestSchema),
      { code: 'invalid', message: 'connection is missing: a request is for a connection' },
    ],
    [
      'for another service',
      request('a1', { networkService: 'dns' }),
      { code: 'not_found', message: "Endpoint 'nse' has no network service 'dns': allowed are vpn" },
    ],
    [
      'without a mechanism',
      create(NetworkServiceRequestSchema, { connection: request('a1').connection }),
      { code: 'unsupported', message: 'No mechanism is requested: allowed is LOCAL KERNEL' },
    ],
    [
      'with other mechanisms only',
      create(NetworkServiceRequestSchema, {
        connection: request('a1').connection,
        mechanismPreferences: [
          { cls: 'LOCAL', type: 'MEMIF' },
          { cls: 'REMOTE', type: 'VXLAN' },
        ],
      }),
      {
        code: 'unsupported',
        field: 'mechanism_preferences',
        message:
          'Of the requested mechanisms (LOCAL MEMIF, REMOTE VXLAN) none is supported: allowed is LOCAL KERNEL',
      },
    ],
    [
      'with an interface name the kernel does not take',
      request('a1', { mechanism: { cls: 'LOCAL', type: 'KERNEL', parameters: { name: 'eth%d' } } }),
      { code: 'invalid', message: "connection.mechanism has name 'eth%d': no interface can have it" },
    ],
    [
      'with another payload',
      request('a1', { payload: 'ETHERNET' }),
      { code: 'unsupported', message: "connection.payload is 'ETHERNET': endpoint 'nse' carries IP" },
    ],
    [
      'with addresses that are none',
      request('a1', { context: { ipContext: { srcIpAddrs: ['10.0.0.1'] } } }),
      { code: 'invalid', field: 'src_ip_addrs' },
    ],
    [
      'with a path that is none',
      request('a1', { path: { index: 5, pathSegments: [{ name: 'client', id: 'c' }] } }),
      { code: 'invalid', field: 'path' },
    ],
  ];
  test.each(refusals)('%s, and nothing is held', (_, asked, failure) => {
    const nse = endpoint({ payload: 'IP' });
    expect(() => nse.answer(asked)).toThrow(expect.objectContaining(failure));
    expect(nse.connections).toEqual([]);
    expect(nse.pools.map(({ used }) => used)).toEqual([0, 0]);
  });

  test('when the pool is used up', () => {
    const nse = endpoint({ pools: ['10.0.0.0/31'] });
    ask(nse, request('a1'));
    expect(() => nse.answer(request('a2'))).toThrow(
      "Pool '10.0.0.0/31' is exhausted: 2 of its 2 addresses are in use",
    );
  });

  test('but not for the domain of its service', () => {
    expect(ask(endpoint(), request('a1', { networkService: 'vpn@far.example' })).id).toBe('a1');
  });
});

describe('settings that cannot be', () => {
  test.each<[string, Partial<EndpointSettings>, string]>([
    ['no name', { name: '' }, "name is '': it has 0 characters: allowed is 1 to 253 characters"],
    [
      'no service',
      { services: [] },
      "services is '': it names none: allowed is the names of network services, at least one",
    ],
    ['a payload', { payload: 'FRAMES' }, "payload is 'FRAMES': it is not known: allowed is ETHERNET or IP"],
    [
      'an MTU',
      { mtu: 60 },
      "mtu is '60': no interface has it: allowed is a whole number of bytes from 68 to 65535",
    ],
    [
      'a prefix of names',
      { interfacePrefix: 'a/b' },
      "interfacePrefix is 'a/b': no interface name begins so",
    ],
    [
      'a route',
      { routes: [{ prefix: 'lan', via: null }] },
      "routes[0].prefix is 'lan': allowed is an address with a prefix length",
    ],
    [
      'a gateway',
      { routes: [{ prefix: '10.0.0.0/8', via: '10.0.0.1/8' }] },
      "routes[0].via is '10.0.0.1/8': allowed is an IP address",
    ],
    [
      'too many routes',
      { routes: Array.from({ length: 65 }, () => ({ prefix: '10.0.0.0/8', via: null })) },
      "routes is '65': these are too many: allowed is at most 64",
    ],
    [
      'a port',
      { policies: [{ from: null, ipProto: null, sport: null, dport: '70-60', routes: [] }] },
      "policies[0].dport is '70-60': it is no port",
    ],
    [
      'a protocol',
      { policies: [{ from: null, ipProto: 'tcp', sport: null, dport: null, routes: [] }] },
      "policies[0].ipProto is 'tcp': it is no IP protocol",
    ],
    [
      'a name server',
      { dns: [{ servers: ['dns'], searchDomains: [] }] },
      "dns[0].servers[0] is 'dns': allowed is an IP address",
    ],
    ['a pool', { pools: ['10.0.0.0/32'] }, 'every client takes two'],
  ])('%s', (_, more, message) => {
    expect(() => endpoint(more)).toThrow(expect.objectContaining({ code: 'invalid' }));
    expect(() => endpoint(more)).toThrow(message);
  });
});

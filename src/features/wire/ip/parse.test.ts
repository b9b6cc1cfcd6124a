import { describe, expect, test } from '@jest/globals';
import type { IpSpec } from '../api.ts';
import { parseIpSpec, policyFamilies, policyKey } from './parse.ts';

const nothing: IpSpec = { addresses: [], routes: [], neighbors: [], policies: [] };
const parse = (more: Partial<IpSpec>): ReturnType<typeof parseIpSpec> =>
  parseIpSpec({ ...nothing, ...more }, 'right');
const policy = { from: null, ipProto: null, sport: null, dport: null, routes: [] };

describe('what IP is to know is put into its canonical form', () => {
  test('addresses keep their host part', () => {
    expect(parse({ addresses: ['10.0.0.7/24', '2001:DB8:0::1/64', '10.0.0.7/32'] }).addresses).toEqual([
      '10.0.0.7/24',
      '2001:db8::1/64',
      '10.0.0.7/32',
    ]);
  });

  test('routes lose it', () => {
    expect(
      parse({
        routes: [
          { prefix: '172.16.5.9/16', via: '10.0.0.1' },
          { prefix: '2001:DB8::5/120', via: null },
          { prefix: '1.2.3.4/0', via: null },
        ],
      }).routes,
    ).toEqual([
      { prefix: '172.16.0.0/16', via: '10.0.0.1' },
      { prefix: '2001:db8::/120', via: null },
      { prefix: '0.0.0.0/0', via: null },
    ]);
  });

  test('neighbours', () => {
    expect(parse({ neighbors: [{ address: '2001:DB8::0', mac: '02:AA:00:00:00:01' }] }).neighbors).toEqual([
      { address: '2001:db8::', mac: '02:aa:00:00:00:01' },
    ]);
  });

  test('policies', () => {
    const [first, second] = parse({
      policies: [
        { ...policy, from: '10.0.0.9/24', ipProto: '006', dport: '00080-00080' },
        { ...policy, sport: '80-90', routes: [{ prefix: '::1/0', via: null }] },
      ],
    }).policies;
    expect(first).toEqual({ ...policy, from: '10.0.0.0/24', ipProto: '6', dport: '80' });
    expect(second).toEqual({ ...policy, sport: '80-90', routes: [{ prefix: '::/0', via: null }] });
  });
});

test('the side is in the name of the field', () => {
  expect(() => parse({ addresses: ['10.0.0.1/24', 'x'] })).toThrow(/^right\.addresses\[1\] is 'x'/);
});

describe('the families of a policy', () => {
  const families = (more: object): number[] => policyFamilies({ ...policy, ...more });
  test('are its source’s, else its routes’, else IPv4', () => {
    const [v4, v6] = [
      { prefix: '10.0.0.0/8', via: null },
      { prefix: '2001:db8::/64', via: null },
    ];
    expect(families({ from: '2001:db8::1/128' })).toEqual([6]);
    expect(families({ routes: [v6] })).toEqual([6]);
    expect(families({ routes: [v6, v4, v4] })).toEqual([4, 6]);
    expect(families({})).toEqual([4]);
  });
});

test('policies are told apart by what they match', () => {
  const key = (more: object): string => policyKey({ ...policy, ...more });
  const keys = [
    key({ from: '10.0.0.1/32' }),
    key({ ipProto: '6' }),
    key({ sport: '6' }),
    key({ dport: '6' }),
    key({ dport: '6', routes: [{ prefix: '::/0', via: null }] }),
  ];
  expect(new Set(keys).size).toBe(4);
});

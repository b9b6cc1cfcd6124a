import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isIP } from 'node:net';
import * as some from '../../test/net/arbitrary.ts';
import { covers, formatCidr, hostCidr, networkOf, overlap, parseCidr } from './cidr.ts';
import { CodecError } from './error.ts';
import { InputError } from './input.ts';
import { formatIp, ipBytes, parseIp } from './ip.ts';

describe('IP addresses', () => {
  test('bytes become text that Node takes for an address, and come back', () => {
    fc.assert(
      fc.property(fc.oneof(some.ip(4), some.ip(6)), (text) => {
        expect(isIP(text)).not.toBe(0);
        expect(formatIp(ipBytes(text))).toBe(text);
      }),
    );
  });

  test('a text is taken exactly when Node takes it, but for zones', () => {
    const seed = fc.constantFrom<string>(
      '::1',
      '1:2::3',
      '::ffff:1.2.3.4',
      '1:2:3:4:5:6:7:8',
      '1::8',
      '10.0.0.255',
    );
    const change = fc.record({
      at: fc.nat(20),
      cut: fc.nat(2),
      put: fc.constantFrom('', '0', '1', '23', 'af', ':', '::', '.', '%', 'g'),
    });
    fc.assert(
      fc.property(seed, fc.array(change, { maxLength: 3 }), (address, changes) => {
        const text = changes.reduce(
          (t, { at, cut, put }) => t.slice(0, at) + put + t.slice(at + cut),
          address,
        );
        const isTaken = isIP(text) !== 0 && !text.includes('%');
        if (isTaken) expect(isIP(formatIp(ipBytes(text)))).toBe(isIP(text));
        else expect(() => ipBytes(text)).toThrow(CodecError);
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:1:0:0:1', '2001::1:1:0:0:1'],
    ['::ffff:10.0.0.1', '::ffff:10.0.0.1'],
    ['::ffff:a00:1', '::ffff:10.0.0.1'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['10.0.0.1', '10.0.0.1'],
  ])('%s is written %s', (given, canonical) => {
    expect(parseIp(given, 'address')).toBe(canonical);
  });

  test.each(['', '10.0.0', '10.0.0.256', '010.0.0.1', 'fe80::1%eth0', '1:2:3', ':::', '10.0.0.1/24', 'pod'])(
    "'%s' is refused",
    (text) => {
      expect(() => parseIp(text, 'address')).toThrow(InputError);
    },
  );
});

describe('CIDRs', () => {
  test('the host part is kept, and the text comes back', () => {
    fc.assert(
      fc.property(fc.oneof(some.cidr(4), some.cidr(6)), (cidr) => {
        expect(parseCidr(formatCidr(cidr), 'address')).toEqual(cidr);
      }),
    );
  });

  test('the network of a prefix keeps its bits and no other', () => {
    const bits = (address: string): string =>
      [...ipBytes(address)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
    fc.assert(
      fc.property(fc.oneof(some.cidr(4), some.cidr(6)), (cidr) => {
        const expected = bits(cidr.address).slice(0, cidr.prefix);
        const network = bits(networkOf(cidr).address);
        expect(network).toBe(expected.padEnd(network.length, '0'));
      }),
    );
  });

  test('an address alone is its own network', () => {
    expect(formatCidr(hostCidr('10.0.0.1'))).toBe('10.0.0.1/32');
    expect(formatCidr(hostCidr('2001:db8::1'))).toBe('2001:db8::1/128');
  });

  test.each([
    ['10.0.0.1', /^address is '10.0.0.1': allowed is an address with a prefix length/],
    ['10.0.0.1/33', /an IPv4 prefix has at most 32 bits/],
    ['::1/129', /an IPv6 prefix has at most 128 bits/],
    ['10.0.0/8', /'10.0.0' is no IP address/],
    ['10.0.0.1/', /allowed is/],
    ['10.0.0.1/-1', /allowed is/],
    ['10.0.0.1/8/9', /allowed is/],
    ['/8', /'' is no IP address/],
  ])("'%s' is refused with a reason", (text, reason) => {
    expect(() => parseCidr(text, 'address')).toThrow(reason);
  });
});

describe('prefixes beside each other', () => {
  test.each([
    ['10.0.0.0/8', '10.5.5.5/24', true, true],
    ['10.5.5.5/24', '10.0.0.0/8', false, true],
    ['10.0.0.1/24', '10.0.0.2/24', true, true],
    ['10.0.0.1/25', '10.0.0.129/25', false, false],
    ['0.0.0.0/0', '203.0.113.1/32', true, true],
    ['0.0.0.0/0', '2001:db8::1/128', false, false],
    ['2001:db8::/32', '2001:db8:ffff::1/64', true, true],
    ['2001:db8::1/128', '2001:db8::2/128', false, false],
  ])('%s covers %s: %s, overlaps it: %s', (a, b, covered, overlapping) => {
    const [first, second] = [parseCidr(a, 'a'), parseCidr(b, 'b')];
    expect(covers(first, second)).toBe(covered);
    expect(overlap(first, second)).toBe(overlapping);
    expect(overlap(second, first)).toBe(overlapping);
  });
});

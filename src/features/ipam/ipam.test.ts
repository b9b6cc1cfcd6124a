import { describe, expect, test } from '@jest/globals';
import { Ipam, type Wish } from './ipam.ts';
import { maxExcluded, maxKept, maxPools } from './limits.ts';

const nothing: Wish = { src: [], dst: [], excluded: [] };
const wish = ({ src = [], dst = [], excluded = [] }: Partial<Wish>): Wish => ({ src, dst, excluded });

describe('a lease', () => {
  test('is a pair of every pool, the endpoint’s address first', () => {
    const ipam = new Ipam(['172.16.1.0/24', '2001:db8::/64']);
    expect(ipam.lease('a', nothing)).toEqual({
      src: ['172.16.1.1/32', '2001:db8::1/128'],
      dst: ['172.16.1.0/32', '2001:db8::/128'],
      pairs: [
        { pool: '172.16.1.0/24', src: '172.16.1.1/32', dst: '172.16.1.0/32' },
        { pool: '2001:db8::/64', src: '2001:db8::1/128', dst: '2001:db8::/128' },
      ],
    });
    expect(ipam.lease('b', nothing)).toMatchObject({
      src: ['172.16.1.3/32', '2001:db8::3/128'],
      dst: ['172.16.1.2/32', '2001:db8::2/128'],
    });
    expect(ipam.pools).toEqual([
      { prefix: '172.16.1.0/24', used: 4, size: 256n },
      { prefix: '2001:db8::/64', used: 4, size: 2n ** 64n },
    ]);
  });

  test('is the same when asked for again, whatever is wished', () => {
    const ipam = new Ipam(['10.0.0.0/8']);
    const { src, dst, pairs } = ipam.lease('a', nothing);
    expect(ipam.lease('a', nothing)).toEqual({ src, dst, pairs });
    expect(ipam.lease('a', wish({ src, dst }))).toEqual({ src, dst, pairs });
    expect(ipam.lease('a', wish({ src: ['10.0.0.9/32'], dst: ['10.0.0.8/32'] }))).toEqual({
      src,
      dst,
      pairs,
    });
    expect(ipam.pools).toMatchObject([{ used: 2 }]);
  });

  test('is had again after a restart by naming its addresses', () => {
    const before = new Ipam(['10.0.0.0/24', 'fd00::/64']);
    before.lease('gone', nothing);
    const { src, dst, pairs } = before.lease('a', nothing);
    const after = new Ipam(['10.0.0.0/24', 'fd00::/64']);
    expect(after.lease('a', wish({ src, dst }))).toEqual({ src, dst, pairs });
    expect(after.lease('b', nothing)).toMatchObject({ src: ['10.0.0.1/32', 'fd00::1/128'] });
  });

  test('gets another address where the one wished for is somebody else’s', () => {
    const ipam = new Ipam(['10.0.0.0/24']);
    const { src, dst } = ipam.lease('a', nothing);
    expect(ipam.lease('b', wish({ src, dst }))).toMatchObject({ src: ['10.0.0.3/32'], dst: ['10.0.0.2/32'] });
  });

  test('takes the client’s address that is wished for and chooses the endpoint’s', () => {
    const ipam = new Ipam(['10.0.0.0/24']);
    expect(ipam.lease('a', wish({ src: ['10.0.0.77/24'] }))).toMatchObject({
      src: ['10.0.0.77/32'],
      dst: ['10.0.0.0/32'],
    });
  });

  test('leaves addresses of another endpoint where they are, behind its own', () => {
    const ipam = new Ipam(['10.0.0.0/24']);
    const old = wish({ src: ['172.16.1.1/32', '2001:DB8::1/128'], dst: ['172.16.1.0/32'] });
    expect(ipam.lease('a', old)).toMatchObject({
      src: ['10.0.0.1/32', '172.16.1.1/32', '2001:db8::1/128'],
      dst: ['10.0.0.0/32', '172.16.1.0/32'],
    });
  });

  test('carries only so many of them, the latest', () => {
    const src = Array.from({ length: maxKept + 3 }, (_, i) => `192.0.2.${i}/32`);
    const { src: kept } = new Ipam(['10.0.0.0/24']).lease('a', wish({ src }));
    expect(kept).toEqual(['10.0.0.1/32', ...src.slice(3)]);
  });

  test('passes excluded prefixes by, and moves when they come to cover it', () => {
    const ipam = new Ipam(['10.0.0.0/24']);
    const excluded = ['10.0.0.0/31', '10.0.0.2/32', '10.0.0.4/30', 'fd00::/8'];
    expect(ipam.lease('a', wish({ excluded }))).toMatchObject({ src: ['10.0.0.8/32'], dst: ['10.0.0.3/32'] });
    expect(ipam.lease('a', nothing)).toMatchObject({ src: ['10.0.0.8/32'], dst: ['10.0.0.3/32'] });
    const now = wish({ src: ['10.0.0.8/32'], dst: ['10.0.0.3/32'], excluded: ['10.0.0.8/29'] });
    expect(ipam.lease('a', now)).toMatchObject({ src: ['10.0.0.1/32'], dst: ['10.0.0.0/32'] });
    expect(ipam.pools).toMatchObject([{ used: 2 }]);
  });

  test('is given back, and twice is once', () => {
    const ipam = new Ipam(['10.0.0.0/30']);
    ipam.lease('a', nothing);
    ipam.lease('b', nothing);
    ipam.release('a');
    ipam.release('a');
    ipam.release('never');
    expect(ipam.pools).toMatchObject([{ used: 2 }]);
    expect(ipam.has('a')).toBe(false);
    expect(ipam.lease('c', nothing)).toMatchObject({ src: ['10.0.0.1/32'] });
  });

  test('of no pool has what it came with', () => {
    expect(new Ipam([]).lease('a', wish({ src: ['10.1.1.1/24'] }))).toEqual({
      src: ['10.1.1.1/24'],
      dst: [],
      pairs: [],
    });
  });
});

describe('an offer', () => {
  test('that is withdrawn leaves everything as it was', () => {
    const ipam = new Ipam(['10.0.0.0/24']);
    const before = ipam.lease('a', nothing);
    ipam.offer('b', nothing).withdraw();
    ipam.offer('a', wish({ excluded: ['10.0.0.0/30'] })).withdraw();
    expect(ipam.pools).toMatchObject([{ used: 2 }]);
    expect(ipam.has('b')).toBe(false);
    expect(ipam.lease('a', nothing)).toEqual(before);
  });

  test('is nobody else’s before it is accepted', () => {
    const ipam = new Ipam(['10.0.0.0/24']);
    const offer = ipam.offer('a', nothing);
    expect(ipam.lease('b', nothing)).toMatchObject({ src: ['10.0.0.3/32'] });
    offer.accept();
    expect(ipam.lease('a', nothing)).toMatchObject({ src: ['10.0.0.1/32'] });
  });
});

describe('other pools', () => {
  test('give new addresses, and those of pools that stay are kept', () => {
    const ipam = new Ipam(['10.0.0.0/24', 'fd00::/64']);
    ipam.lease('gone', nothing);
    const before = ipam.lease('a', wish({ src: ['192.0.2.1/32'] }));
    ipam.release('gone');
    const next = ipam.moved(['10.9.0.0/24', 'fd00::/64'], () => wish(before));
    const expected = {
      src: ['10.9.0.1/32', 'fd00::3/128', '192.0.2.1/32'],
      dst: ['10.9.0.0/32', 'fd00::2/128'],
    };
    expect(next.lease('a', nothing)).toMatchObject({ src: expected.src.slice(0, 2), dst: expected.dst });
    // Who has not heard of the change yet wishes for what it had.
    expect(next.lease('a', wish(before))).toMatchObject(expected);
    expect(ipam.lease('a', wish({ src: ['192.0.2.1/32'] }))).toEqual(before);
  });

  test('that are too small change nothing', () => {
    const ipam = new Ipam(['10.0.0.0/24']);
    ipam.lease('a', nothing);
    ipam.lease('b', nothing);
    expect(() => ipam.moved(['10.9.0.0/31'], () => nothing)).toThrow("Pool '10.9.0.0/31' is exhausted");
    expect(ipam.pools).toMatchObject([{ prefix: '10.0.0.0/24', used: 4 }]);
  });
});

describe('a pool that is used up', () => {
  test('is named with its size, and nothing is held of any', () => {
    const ipam = new Ipam(['fd00::/64', '10.0.0.0/31']);
    ipam.lease('a', nothing);
    expect(() => ipam.lease('b', nothing)).toThrow(
      expect.objectContaining({
        code: 'exhausted',
        value: '10.0.0.0/31',
        message: "Pool '10.0.0.0/31' is exhausted: 2 of its 2 addresses are in use",
      }),
    );
    expect(ipam.has('b')).toBe(false);
    expect(ipam.pools).toMatchObject([{ used: 2 }, { used: 2 }]);
  });

  test('by exclusion says so', () => {
    const ipam = new Ipam(['10.0.0.0/30']);
    expect(() => ipam.lease('a', wish({ excluded: ['10.0.0.1/32', '10.0.0.2/31'] }))).toThrow(
      "Pool '10.0.0.0/30' is exhausted: 0 of its 4 addresses are in use, and the connection excludes others",
    );
    expect(ipam.pools).toMatchObject([{ used: 0 }]);
  });

  test('leaves who had addresses with them, when the new ones cannot be had', () => {
    const ipam = new Ipam(['10.0.0.0/30']);
    const before = ipam.lease('a', nothing);
    expect(() => ipam.lease('a', wish({ excluded: ['10.0.0.0/30'] }))).toThrow('exhausted');
    expect(ipam.lease('a', nothing)).toEqual(before);
  });
});

describe('what cannot be', () => {
  test.each([
    ['10.0.0.0/32', "pools is '10.0.0.0/32': it has one address, and every client takes two"],
    ['::1/128', "pools is '::1/128': it has one address, and every client takes two"],
    ['0.0.0.0/0', "pools is '0.0.0.0/0': addresses of 0.0.0.0/8 are no host's"],
    ['239.0.0.0/24', "pools is '239.0.0.0/24': addresses of 224.0.0.0/3 are no host's"],
    ['ff02::/64', "pools is 'ff02::/64': addresses of ff00::/8 are no host's"],
    ['10.0.0.0', /^pools is '10\.0\.0\.0': allowed is an address with a prefix length/],
  ])('the pool %s', (pool, message) => {
    expect(() => new Ipam([pool])).toThrow(expect.objectContaining({ code: 'invalid', field: 'pools' }));
    expect(() => new Ipam([pool])).toThrow(message);
  });

  test('pools that overlap', () => {
    expect(() => new Ipam(['10.0.0.0/8', 'fd00::/64', '10.1.0.7/16'])).toThrow(
      "pools has '10.1.0.0/16', which overlaps '10.0.0.0/8'",
    );
  });

  test('pools without end', () => {
    const pools = Array.from({ length: maxPools + 1 }, (_, i) => `10.${i}.0.0/16`);
    expect(() => new Ipam(pools)).toThrow('pools are 17: at most 16 are allowed');
  });

  test('a wish that is no address', () => {
    const ipam = new Ipam(['10.0.0.0/24']);
    const refuse = (more: Partial<Wish>, field: string): void => {
      expect(() => ipam.lease('a', wish(more))).toThrow(expect.objectContaining({ code: 'invalid', field }));
    };
    refuse({ src: ['10.0.0.1'] }, 'src_ip_addrs');
    refuse({ dst: ['pod'] }, 'dst_ip_addrs');
    refuse({ excluded: ['10.0.0.0/33'] }, 'excluded_prefixes');
    refuse({ excluded: Array.from({ length: maxExcluded + 1 }, () => '10.0.0.0/8') }, 'excluded_prefixes');
    expect(ipam.pools).toMatchObject([{ used: 0 }]);
  });
});

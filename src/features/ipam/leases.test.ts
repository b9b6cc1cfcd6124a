import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import '../../../test/net/arbitrary.ts'; // VWIRE_SEED
import { cidrOf } from './input.ts';
import { Ipam, type Wish } from './ipam.ts';
import { rangeOf, type Range } from './range.ts';

const nothing: Wish = { src: [], dst: [], excluded: [] };
const within = (address: string, range: Range | undefined): boolean => {
  if (range === undefined) return false;
  const { family, first, last } = range;
  const host = rangeOf(cidrOf(address, 'address'));
  return host.family === family && first <= host.first && host.last <= last;
};

test('leases and releases in any order: never one address twice, none outside, none excluded, none left', () => {
  const pools = ['10.0.0.0/27', '10.1.0.0/28', 'fd00::/123', 'fd00:0:0:1::/64'];
  const ranges = pools.map((pool) => rangeOf(cidrOf(pool, 'pool')));
  const id = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l');
  const address = fc.oneof(
    fc.integer({ min: 0, max: 40 }).map((n) => `10.0.0.${n}/32`),
    fc.integer({ min: 0, max: 40 }).map((n) => `fd00::${n.toString(16)}/128`),
  );
  const excluded = fc.oneof(
    fc
      .tuple(fc.integer({ min: 0, max: 31 }), fc.integer({ min: 27, max: 32 }))
      .map(([n, bits]) => `10.0.0.${n}/${bits}`),
    fc
      .tuple(fc.integer({ min: 0, max: 31 }), fc.integer({ min: 123, max: 128 }))
      .map(([n, bits]) => `fd00::${n.toString(16)}/${bits}`),
  );
  const step = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({
        id,
        wish: fc.record({
          src: fc.array(address),
          dst: fc.array(address),
          excluded: fc.array(excluded, { maxLength: 4 }),
        }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ id, wish: fc.constant(null) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const ipam = new Ipam(pools);
      const held = new Map<string, string[]>();
      for (const { id: who, wish: wanted } of steps) {
        if (wanted === null) {
          ipam.release(who);
          held.delete(who);
          continue;
        }
        try {
          const { pairs } = ipam.lease(who, wanted);
          expect(pairs.map(({ pool }) => pool)).toEqual(pools);
          const mine = pairs.flatMap(({ src, dst }) => [src, dst]);
          mine.forEach((host, i) => {
            expect(within(host, ranges[i >> 1])).toBe(true);
            expect(wanted.excluded.some((prefix) => within(host, rangeOf(cidrOf(prefix, 'x'))))).toBe(false);
          });
          held.set(who, mine);
        } catch (error) {
          expect(error).toMatchObject({ code: 'exhausted' });
        }
        const all = [...held.values()].flat();
        expect(new Set(all).size).toBe(all.length);
        expect(ipam.pools.reduce((sum, { used }) => sum + used, 0)).toBe(all.length);
      }
      for (const who of held.keys()) ipam.release(who);
      expect(ipam.pools.map(({ used }) => used)).toEqual([0, 0, 0, 0]);
    }),
  );
});

test('a large pool is as quick as a small one, whatever is in use or excluded', () => {
  const ipam = new Ipam(['10.0.0.0/8', 'fd00::/64']);
  for (let i = 0; i < 3000; i += 1) ipam.lease(String(i), nothing);
  for (let i = 0; i < 3000; i += 2) ipam.release(String(i));
  // Address by address, each of these leases would look at millions that are excluded.
  const excluded = ['10.0.0.0/9', '10.128.0.1/32', 'fd00::/65'];
  for (let i = 0; i < 1000; i += 1) ipam.lease(`again ${i}`, { ...nothing, excluded });
  expect(ipam.lease('again 0', nothing)).toMatchObject({ src: ['10.128.0.2/32', 'fd00::8000:0:0:1/128'] });
  expect(ipam.pools.map(({ used }) => used)).toEqual([5000, 5000]);
});

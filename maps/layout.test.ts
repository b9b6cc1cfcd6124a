import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as generated from './layouts.gen.ts';

const u8 = fc.integer({ min: 0, max: 255 });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const direction = fc.constantFrom(...Object.values(generated.Direction));

describe('generated layouts', () => {
  test('a hop survives encoding and decoding, its spare bytes are zero', () => {
    const hop = fc.record({
      act: fc.constantFrom(...Object.values(generated.HopAct)),
      out: u32,
      wire: u32,
      tunnel: u32,
      dmac: fc.uint8Array({ minLength: 6, maxLength: 6 }).map((b) => Buffer.from(b)),
      direction,
      flags: u8,
      reason: fc.constantFrom(...Object.values(generated.DropReason)),
    });
    fc.assert(
      fc.property(hop, (value) => {
        const buffer = generated.hop.encode(value);
        expect(generated.hop.decode(buffer)).toEqual(value);
        expect(buffer.subarray(25).every((b) => b === 0)).toBe(true);
      }),
    );
  });

  test('64-bit counters keep every bit', () => {
    fc.assert(
      fc.property(fc.record({ packets: u64, segments: u64, bytes: u64 }), (value) => {
        expect(generated.counter.decode(generated.counter.encode(value))).toEqual(value);
      }),
    );
  });

  test('a buffer of another size is refused with both sizes', () => {
    expect(() => generated.hopKey.decode(Buffer.alloc(7))).toThrow('struct hop_key has 8 bytes, got 7');
  });

  test('a byte array of another size is refused by field name', () => {
    const hop = generated.hop.decode(Buffer.alloc(64));
    expect(() => generated.hop.encode({ ...hop, dmac: Buffer.alloc(5) })).toThrow(
      'hop.dmac has 5 bytes: 6 needed',
    );
  });
});

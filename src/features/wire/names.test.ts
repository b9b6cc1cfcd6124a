import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { deviceAlias, freeName, hostDeviceName, parseAlias } from './names.ts';

const instance = fc.stringMatching(/^[A-Za-z0-9_-]{1,32}$/);
const wire = fc.integer({ min: 1, max: 0xffffffff });
const side = fc.constantFrom('left' as const, 'right' as const);

describe('names of a wire', () => {
  test('a host device name fits the kernel for every wire id', () => {
    fc.assert(
      fc.property(instance, wire, side, (i, w, s) => {
        expect(Buffer.byteLength(hostDeviceName(i, w, s))).toBeLessThanOrEqual(15);
      }),
    );
  });

  test('an alias is parsed back, anything else is not ours', () => {
    fc.assert(
      fc.property(instance, wire, side, (i, w, s) => {
        expect(parseAlias(deviceAlias(i, w, s))).toEqual({ instance: i, wire: w, side: s });
      }),
    );
    for (const alias of [null, '', 'uplink', 'vwire:a:1:middle', 'vwire:a.b:1:left', 'vwire:a:1:left ']) {
      expect(parseAlias(alias)).toBeNull();
    }
  });

  test('the first free interface name is taken', () => {
    expect(freeName(new Set(['eth0', 'vwire0', 'vwire2']))).toBe('vwire1');
  });
});

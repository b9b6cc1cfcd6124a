import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as some from '../../test/net/arbitrary.ts';
import { parseIfname } from './ifname.ts';
import { InputError } from './input.ts';
import { formatMac, macBytes, parseDeviceMac, parseMac, randomMac } from './mac.ts';
import { parseMtu } from './mtu.ts';

test('a refusal carries field, value and what is allowed, in the text too', () => {
  const error = new InputError('mtu', '7', 'a number from 68 on', 'it is small');
  expect(error).toMatchObject({ field: 'mtu', value: '7', allowed: 'a number from 68 on' });
  expect(error.message).toBe("mtu is '7': it is small: allowed is a number from 68 on");
});

describe('device names', () => {
  test('what the kernel takes literally is taken', () => {
    fc.assert(
      fc.property(some.ifname, (name) => {
        fc.pre(!['all', 'default'].includes(name));
        expect(parseIfname(name, 'name')).toBe(name);
      }),
    );
    expect(parseIfname('nsm-1.0@eth', 'name')).toBe('nsm-1.0@eth');
  });

  test.each([
    ['', 'it is empty'],
    ['abcdefghijklmnop', 'it has 16 characters'],
    ['.', 'it is reserved'],
    ['..', 'it is reserved'],
    ['all', 'it is reserved'],
    ['default', 'it is reserved'],
    ['a/b', "it has a '/'"],
    ['a:b', "it has a ':'"],
    ['eth%d', "it has a '%'"],
    ['a b', 'not printable ASCII'],
    ['a\tb', 'not printable ASCII'],
    ['a\n', 'not printable ASCII'],
    ['a\0b', 'not printable ASCII'],
    ['ètoile', 'not printable ASCII'],
  ])('%j is refused: %s', (name, reason) => {
    expect(() => parseIfname(name, 'left.name')).toThrow(reason);
  });
});

describe('MACs', () => {
  test('bytes and text stand for one another', () => {
    fc.assert(
      fc.property(some.mac, (mac) => {
        expect(formatMac(macBytes(mac))).toBe(mac);
        expect(parseMac(mac.toUpperCase(), 'mac')).toBe(mac);
      }),
    );
  });

  test.each([
    '',
    '02:00:00:00:00',
    '02:00:00:00:00:00:01',
    '02-00-00-00-00-01',
    'g2:00:00:00:00:01',
    '2:0:0:0:0:1',
  ])("'%s' is refused", (text) => {
    expect(() => parseMac(text, 'mac')).toThrow('six bytes in hex');
  });

  test('a device gets no group address and not zero', () => {
    expect(parseDeviceMac('02:00:00:00:00:01', 'mac')).toBe('02:00:00:00:00:01');
    expect(() => parseDeviceMac('01:00:5e:00:00:01', 'mac')).toThrow('unicast');
    expect(() => parseDeviceMac('ff:ff:ff:ff:ff:ff', 'mac')).toThrow('unicast');
    expect(() => parseDeviceMac('00:00:00:00:00:00', 'mac')).toThrow('not all zero');
  });

  test('a random one is unicast and locally administered', () => {
    for (let i = 0; i < 256; i++)
      expect(macBytes(parseDeviceMac(randomMac(), 'mac')).readUInt8() & 3).toBe(2);
  });

  test('a device without an address has none', () => {
    expect(formatMac(Buffer.alloc(0))).toBeNull();
  });
});

describe('MTUs', () => {
  test.each([68, '68', '1500', 65535])('%s is taken', (mtu) => {
    expect(parseMtu(mtu, 'mtu')).toBe(Number(mtu));
  });

  test.each([67, 65536, -1, 1500.5, NaN, '', ' 1500', '1e3', '0x600', '99999999999'])(
    '%j is refused',
    (mtu) => {
      expect(() => parseMtu(mtu, 'mtu')).toThrow('a whole number of bytes from 68 to 65535');
    },
  );
});

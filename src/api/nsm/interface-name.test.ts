import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import '../../../test/net/arbitrary.ts'; // VWIRE_SEED
import { interfaceName, isInterfaceName } from './interface-name.ts';

const free = (): boolean => false;

describe('a name that nobody chose', () => {
  test.each([
    ['icmp-responder', /^icmp-respo-[0-9A-Za-z]{4}$/],
    ['icmp-responder@far.example', /^icmp-respo-[0-9A-Za-z]{4}$/],
    ['vpn', /^vpn-[0-9A-Za-z]{11}$/],
    ['a b/c:d%e', /^abcde-[0-9A-Za-z]{9}$/],
    ['网络', /^nsm-[0-9A-Za-z]{11}$/],
  ])('for %s', (service, form) => {
    expect(interfaceName(service, 'c', free)).toMatch(form);
  });

  test('is the same for the same connection, and another for another', () => {
    expect(interfaceName('vpn', 'c', free)).toBe(interfaceName('vpn', 'c', free));
    expect(interfaceName('vpn', 'c', free)).not.toBe(interfaceName('vpn', 'd', free));
  });

  test('passes by what is taken', () => {
    const first = interfaceName('vpn', 'c', free);
    const second = interfaceName('vpn', 'c', (name) => name === first);
    expect(second).not.toBe(first);
    expect(second).toHaveLength(15);
  });

  test('is one the kernel takes, for any service', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (service, id) => {
        expect(isInterfaceName(interfaceName(service, id, free))).toBe(true);
      }),
    );
  });
});

test.each(['', 'a'.repeat(16), 'a b', 'a/b', 'eth%d', 'eth0:1', '.', '..', 'all', 'default', 'ä'])(
  "the kernel does not take '%s' for a name",
  (name) => {
    expect(isInterfaceName(name)).toBe(false);
  },
);

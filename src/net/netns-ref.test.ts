import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatNetns, netnsPath, parseNetns, type NetnsRef } from './netns-ref.ts';

describe('names of a namespace', () => {
  test.each<[string, NetnsRef, string]>([
    ['pid:1', { kind: 'pid', pid: 1 }, '/proc/1/ns/net'],
    ['4194304', { kind: 'pid', pid: 4194304 }, '/proc/4194304/ns/net'],
    ['name:blue', { kind: 'name', name: 'blue' }, '/run/netns/blue'],
    ['blue', { kind: 'name', name: 'blue' }, '/run/netns/blue'],
    ['name:42', { kind: 'name', name: '42' }, '/run/netns/42'],
    ['cni-1:2', { kind: 'name', name: 'cni-1:2' }, '/run/netns/cni-1:2'],
    ['path:/proc/7/ns/net', { kind: 'path', path: '/proc/7/ns/net' }, '/proc/7/ns/net'],
    ['/run/netns/a b', { kind: 'path', path: '/run/netns/a b' }, '/run/netns/a b'],
  ])("'%s'", (text, ref, path) => {
    expect(parseNetns(text)).toEqual(ref);
    expect(netnsPath(ref)).toBe(path);
    expect(parseNetns(formatNetns(ref))).toEqual(ref);
  });

  test.each([
    ['', 'nothing is named'],
    ['pid:', 'nothing is named'],
    ['pid:0', 'a pid is a number from 1 to 4194304'],
    ['0', 'a pid is a number from 1 to 4194304'],
    ['4194305', 'a pid is a number'],
    ['pid:-1', 'a pid is a number'],
    ['pid:self', 'a pid is a number'],
    ['name:a/b', 'a name has no slash'],
    ['name:..', 'that is a directory'],
    ['.', 'that is a directory'],
    ['path:blue', 'a path is absolute'],
    ['./blue', 'a path is absolute'],
    ['a\0b', 'it has a NUL byte'],
    ['x'.repeat(256), 'a name has at most 255 bytes'],
  ])('%j is refused: %s', (text, reason) => {
    expect(() => parseNetns(text, 'left.netns')).toThrow(reason);
    expect(() => parseNetns(text, 'left.netns')).toThrow(/^left\.netns is .*allowed is 'pid:N', 'name:N'/s);
  });

  test('any text is either taken or refused, and no name leaves /run/netns', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        let ref: NetnsRef;
        try {
          ref = parseNetns(text);
        } catch (error) {
          expect(error).toMatchObject({ name: 'InputError', field: 'netns', value: text });
          return;
        }
        expect(parseNetns(formatNetns(ref))).toEqual(ref);
        if (ref.kind === 'name') expect(netnsPath(ref).split('/')).toHaveLength(4);
      }),
    );
  });
});

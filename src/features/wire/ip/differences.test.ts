import { expect, test } from '@jest/globals';
import type { IpRecord } from '../../../state/wire-record.ts';
import { differences, type Differences } from './differences.ts';
import { contentOf, nameOf, type Piece, piecesOf, slotOf } from './pieces.ts';
import type { Standing, Standings } from './standings.ts';

const IFINDEX = 7;
const ip = (more: Partial<IpRecord>): IpRecord => ({
  addresses: [],
  routes: [],
  neighbors: [],
  policies: [],
  ...more,
});
const pieces = (more: Partial<IpRecord>): Piece[] => piecesOf(ip(more), IFINDEX, 'left');
const standing = (list: readonly Piece[], foreign = false): Standings =>
  new Map(
    list.map((piece): [string, Standing] => [
      slotOf(piece),
      { content: contentOf(piece), foreign, priority: null },
    ]),
  );
const names = ({ missing, other, obsolete }: Differences): string[][] =>
  [missing, other, obsolete].map((list) => list.map(nameOf));

const policy = { from: null, ipProto: '6', sport: null, dport: '80', routes: [], table: 3 };
const whole = pieces({
  addresses: ['10.0.0.1/24', '2001:db8::1/64'],
  routes: [{ prefix: '172.16.0.0/16', via: '10.0.0.2' }],
  neighbors: [{ address: '10.0.0.2', mac: '02:00:00:00:00:02' }],
  policies: [policy],
});

test('nothing is to be done where all is as it should be', () => {
  expect(names(differences(whole, whole, standing(whole)))).toEqual([[], [], []]);
});

test('all is missing at an interface that was just made', () => {
  expect(names(differences([], whole, new Map()))).toEqual([
    [
      'address 10.0.0.1/24',
      'address 2001:db8::1/64',
      'route 172.16.0.0/16 via 10.0.0.2',
      'neighbour 10.0.0.2 02:00:00:00:00:02',
      'route default in table 3',
      'rule ipproto 6 dport 80 to table 3',
    ],
    [],
    [],
  ]);
});

test('what is obsolete goes in reverse, unless it is gone already', () => {
  const there = new Map([...standing(whole)].filter(([slot]) => !slot.startsWith('address 2001')));
  expect(names(differences(whole, [], there))[2]).toEqual([
    'rule ipproto 6 dport 80 to table 3',
    'route default in table 3',
    'neighbour 10.0.0.2 02:00:00:00:00:02',
    'route 172.16.0.0/16 via 10.0.0.2',
    'address 10.0.0.1/24',
  ]);
});

test('what was never ours stays', () => {
  expect(names(differences([], [], standing(whole)))).toEqual([[], [], []]);
});

test('another gateway takes the place of one of ours', () => {
  const changed = pieces({ routes: [{ prefix: '172.16.0.0/16', via: '10.0.0.3' }] });
  const before = pieces({ routes: [{ prefix: '172.16.0.0/16', via: '10.0.0.2' }] });
  expect(names(differences(before, changed, standing(before)))).toEqual([
    [],
    ['route 172.16.0.0/16 via 10.0.0.3'],
    [],
  ]);
});

test("the kernel's own route does for ours, is never replaced and never removed", () => {
  const onLink = pieces({ routes: [{ prefix: '10.0.0.0/24', via: null }] });
  const via = pieces({ routes: [{ prefix: '10.0.0.0/24', via: '10.0.0.2' }] });
  const kernels = standing(onLink, true);
  expect(names(differences([], onLink, kernels))).toEqual([[], [], []]);
  expect(names(differences([], via, kernels))).toEqual([['route 10.0.0.0/24 via 10.0.0.2'], [], []]);
  expect(names(differences(onLink, [], kernels))).toEqual([[], [], []]);
});

test('what is said twice is there once', () => {
  const twice = pieces({ addresses: ['10.0.0.1/24', '10.0.0.2/24', '10.0.0.1/24'] });
  expect(twice.map(({ field }) => field)).toEqual(['left.addresses[0]', 'left.addresses[1]']);
});

import { describe, expect, test } from '@jest/globals';
import type { SideRecord, WireRecord } from '../../state/wire-record.ts';
import { verdictFor, type Found } from './verdict.ts';

const side = (hostIfindex: number): SideRecord => ({
  netns: { ref: 'name:a', dev: 4, inode: 4026532000 },
  hostName: 'vwabcd1l',
  hostIfindex,
  name: 'vwire0',
  ifindex: hostIfindex,
  mac: '02:00:00:00:00:01',
  addresses: [],
  routes: [],
  neighbors: [],
  policies: [],
  coming: null,
  own: false,
});
const record = (more: Partial<WireRecord>): WireRecord => ({
  schema: 1,
  id: 1,
  connection: 'c',
  service: null,
  owner: 'wire',
  intent: 'open',
  since: '2026-01-01T00:00:00.000Z',
  mtu: 1500,
  requested: 'auto',
  datapath: 'clsact',
  reason: '',
  acceptNoOffload: false,
  errors: [],
  left: side(5),
  right: side(6),
  leaving: null,
  ...more,
});
const found = (left: boolean, right: boolean, namespacesAlive = true): Found => ({
  whole: { left, right },
  any: left || right,
  namespacesAlive,
  leftOnly: !namespacesAlive,
});

describe('what an agent does with a wire it finds', () => {
  test.each<[string, Partial<WireRecord>, Found, string]>([
    ['open and whole', {}, found(true, true), 'adopt'],
    ['open and whole, with a namespace nobody can name', {}, found(true, true, false), 'adopt'],
    ['open, with one side', {}, found(true, false), 'recreate'],
    ['open, with one side, whose other namespace ended', {}, found(true, false, false), 'drop'],
    [
      "a connection's, with its client's side, whose endpoint's namespace ended",
      { owner: 'connection' },
      found(true, false, false),
      'keep',
    ],
    [
      "a connection's, with nothing, whose endpoint's namespace ended",
      { owner: 'connection' },
      found(false, false, false),
      'drop',
    ],
    ['half-made, both sides', { intent: 'opening' }, found(true, true), 'finish'],
    ['half-made, both sides, but a namespace ended', { intent: 'opening' }, found(true, true, false), 'undo'],
    ['half-made, one side', { intent: 'opening' }, found(true, false), 'undo'],
    ['half-made, nothing yet', { intent: 'opening' }, found(false, false), 'drop'],
    ['being closed', { intent: 'closing' }, found(true, true), 'undo'],
    ['being closed, all gone', { intent: 'closing' }, found(false, false), 'drop'],
    ['left with one side', { right: side(0) }, found(true, false, false), 'keep'],
    ['left with one side, though the other namespace lives', { right: side(0) }, found(true, false), 'keep'],
    ['left with one side that is gone, too', { right: side(0) }, found(false, false), 'drop'],
    [
      'being moved',
      { right: side(0), leaving: { side: 'right', had: side(6) } },
      found(true, true),
      'rejoin',
    ],
    [
      'being moved, the new place ended',
      { right: side(0), leaving: { side: 'right', had: side(6) } },
      found(true, false, false),
      'rejoin',
    ],
    [
      'being moved, the side that stood is gone',
      { right: side(0), leaving: { side: 'right', had: side(6) } },
      found(false, true),
      'undo',
    ],
    [
      'being moved and closed',
      { intent: 'closing', right: side(0), leaving: { side: 'right', had: side(6) } },
      found(true, true),
      'undo',
    ],
  ])('%s', (_, more, there, verdict) => {
    expect(verdictFor(record(more), there)).toBe(verdict);
  });
});

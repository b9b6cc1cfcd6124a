import { describe, expect, test } from '@jest/globals';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { instanceDirectory } from '../../test/instance-directory.ts';
import { currentNode, earlierNode, writeNode } from './node.ts';
import { readWireRecords } from './view.ts';
import type { SideRecord, WireRecord } from './wire-record.ts';
import { WireFiles } from './wires.ts';

const side: SideRecord = {
  netns: { ref: 'name:a', dev: 4, inode: 4026532000 },
  hostName: 'vwabcd1l',
  hostIfindex: 5,
  name: 'vwire0',
  ifindex: 2,
  mac: '02:00:00:00:00:01',
  addresses: ['10.0.0.1/24'],
  routes: [{ prefix: '0.0.0.0/0', via: '10.0.0.2' }],
  neighbors: [{ address: '10.0.0.2', mac: '02:00:00:00:00:02' }],
  policies: [{ from: '10.0.0.1/32', ipProto: '6', sport: null, dport: '80-90', routes: [], table: 1 }],
  coming: null,
  own: false,
};
const record = (id: number): WireRecord => ({
  schema: 1,
  id,
  connection: `wire-${id}`,
  service: 'nse',
  owner: 'connection',
  intent: 'open',
  since: '2026-01-01T00:00:00.000Z',
  mtu: 1500,
  requested: 'auto',
  datapath: 'clsact',
  reason: 'why',
  acceptNoOffload: false,
  errors: [],
  left: side,
  right: { ...side, hostName: 'vwabcd1r' },
  leaving: null,
});

describe('wire files', () => {
  test('a record is read back as written, in order of ids', () => {
    const directory = instanceDirectory();
    const files = new WireFiles(directory);
    for (const id of [10, 9]) files.write(record(id));
    expect(readWireRecords(directory)).toEqual({ records: [record(9), record(10)], unreadable: [] });
    expect(readdirSync(join(directory, 'state', 'wires')).sort()).toEqual(['10.json', '9.json']);
  });

  test('a record of an agent that knew addresses only is read, as a wire of its own', () => {
    const directory = instanceDirectory();
    new WireFiles(directory);
    const newer = ['owner', 'routes', 'neighbors', 'policies', 'coming', 'leaving'];
    const text = JSON.stringify(record(1), (key, value: unknown) =>
      newer.includes(key) ? undefined : value,
    );
    writeFileSync(join(directory, 'state', 'wires', '1.json'), text);
    const plain = { ...side, routes: [], neighbors: [], policies: [] };
    expect(readWireRecords(directory)).toEqual({
      records: [{ ...record(1), owner: 'wire', left: plain, right: { ...plain, hostName: 'vwabcd1r' } }],
      unreadable: [],
    });
  });

  test('removing is final and harmless when repeated', () => {
    const directory = instanceDirectory();
    const files = new WireFiles(directory);
    files.write(record(1));
    files.remove(1);
    files.remove(1);
    expect(readWireRecords(directory).records).toEqual([]);
  });

  test('a damaged file is reported and left alone', () => {
    const directory = instanceDirectory();
    new WireFiles(directory).write(record(1));
    writeFileSync(join(directory, 'state', 'wires', '2.json'), '{"schema":1');
    const { records, unreadable } = readWireRecords(directory);
    expect(records).toHaveLength(1);
    expect(unreadable.map((u) => u.file)).toEqual([join(directory, 'state', 'wires', '2.json')]);
  });

  test('an instance without state has no records', () => {
    expect(readWireRecords('/nonexistent')).toEqual({ records: [], unreadable: [] });
  });
});

describe('node file', () => {
  test('tells this boot and namespace from any other', () => {
    const directory = instanceDirectory();
    new WireFiles(directory);
    const now = currentNode();
    expect(earlierNode(directory, now)).toBe('none');
    writeNode(directory, now);
    expect(earlierNode(directory, now)).toBe('same');
    expect(earlierNode(directory, { ...now, bootId: 'x' })).toEqual({ differs: 'an earlier boot' });
    expect(earlierNode(directory, { ...now, netns: 1 })).toEqual({ differs: 'another network namespace' });
  });
});

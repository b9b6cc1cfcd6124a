import { describe, expect, test } from '@jest/globals';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { instanceDirectory } from '../../test/instance-directory.ts';
import type { ConnectionRecord } from './connection-record.ts';
import { ConnectionFiles } from './connections.ts';
import { connectionsDirectory, readConnectionRecords } from './view.ts';

const side = { mechanism: 'KERNEL', netns: 'pid:7', name: 'nsm-1', addresses: ['10.0.0.1/32'], routes: [] };
const record = (id: string, since: string): ConnectionRecord => ({
  schema: 1,
  id,
  intent: 'open',
  clientId: 'client-0',
  service: 'secure-intranet',
  endpoint: 'gateway',
  reason: 'the only candidate',
  payload: 'ETHERNET',
  since,
  expires: null,
  labels: { app: 'web' },
  path: [{ name: 'client', id: 'client-0' }],
  wire: 1,
  mtu: 1500,
  left: side,
  right: side,
  errors: [],
  target: '',
  leftNetns: { dev: 4, inode: 4026532000 },
  rightNetns: null,
  request: '',
  reply: null,
  endpointMechanism: null,
});

describe('the files of connections', () => {
  test('come back as they were written, oldest first, until they are removed', () => {
    const directory = instanceDirectory();
    const files = new ConnectionFiles(directory);
    const [a, b] = [record('a', '2026-01-02T00:00:00.000Z'), record('b', '2026-01-01T00:00:00.000Z')];
    files.write(a);
    files.write(b);
    expect(readConnectionRecords(directory)).toEqual({ records: [b, a], unreadable: [] });
    files.write({ ...a, intent: 'closing' });
    files.remove('b');
    files.remove('b');
    expect(readConnectionRecords(directory).records).toEqual([{ ...a, intent: 'closing' }]);
    expect(readdirSync(connectionsDirectory(directory))).toEqual(['a.json']);
  });

  test('that are no records are told and left alone', () => {
    const directory = instanceDirectory();
    new ConnectionFiles(directory).write(record('a', '2026-01-02T00:00:00.000Z'));
    const file = join(connectionsDirectory(directory), 'b.json');
    writeFileSync(file, '{"schema":1}');
    const { records, unreadable } = readConnectionRecords(directory);
    expect(records.map(({ id }) => id)).toEqual(['a']);
    expect(unreadable).toMatchObject([{ file }]);
    expect(unreadable[0]?.problem).toContain('intent');
  });

  test('without a directory there are none', () => {
    expect(readConnectionRecords(instanceDirectory())).toEqual({ records: [], unreadable: [] });
  });
});

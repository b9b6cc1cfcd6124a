import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectionOf } from '../../../test/fake/connections.ts';
import { plain } from '../../../test/fake/sample.ts';
import type { ConnectionRecord } from '../../state/connection-record.ts';
import { ConnectionFiles } from '../../state/connections.ts';
import { readConnections } from './read.ts';

let runDir: string;
let files: ConnectionFiles;

beforeEach(() => {
  runDir = mkdtempSync(join(tmpdir(), 'vwire-read-'));
  files = new ConnectionFiles(join(runDir, 'default'));
});

afterEach(() => {
  rmSync(runDir, { recursive: true });
});

function write(id: string, more: Partial<ConnectionRecord> = {}): void {
  const { left, right, path, errors, ...item } = connectionOf(id);
  const sideOf = (side: typeof left) => ({
    ...side,
    addresses: [...side.addresses],
    routes: [...side.routes],
  });
  files.write({
    ...item,
    schema: 1,
    intent: 'open',
    left: sideOf(left),
    right: sideOf(right),
    path: [...path],
    errors: [...errors],
    target: '',
    leftNetns: null,
    rightNetns: null,
    request: '',
    reply: null,
    endpointMechanism: null,
    ...more,
  });
}

test('a connection is what its file says, and down where its wire is', () => {
  const wires = [plain, { ...plain, id: 8, state: 'down' as const }];
  write('c1', { wire: 7 });
  write('c2', { wire: 8, since: '2026-01-03T00:00:00.000Z' });
  write('c3', { wire: 9, since: '2026-01-04T00:00:00.000Z' });
  write('c4', { wire: null, intent: 'opening', since: '2026-01-05T00:00:00.000Z' });
  write('c5', { wire: 7, intent: 'closing', since: '2026-01-06T00:00:00.000Z' });
  const read = readConnections({ instance: 'default', runDir }, wires);
  expect(read[0]).toEqual(connectionOf('c1', { wire: 7 }));
  expect(read.map(({ id, state }) => [id, state])).toEqual([
    ['c1', 'up'],
    ['c2', 'down'],
    ['c3', 'down'],
    ['c4', 'opening'],
    ['c5', 'closing'],
  ]);
});

test('an instance without connections', () => {
  expect(readConnections({ instance: 'none', runDir }, [])).toEqual([]);
});

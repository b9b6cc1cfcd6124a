import { expect, test } from '@jest/globals';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { instanceDirectory } from '../../test/instance-directory.ts';
import type { FarewellRecord } from './farewell-record.ts';
import { FarewellFiles } from './farewells.ts';
import { farewellsDirectory, readFarewellRecords } from './view.ts';

const record = (endpoint: string, id: string, second: number): FarewellRecord => ({
  schema: 1,
  id,
  endpoint,
  ended: new Date(second * 1000).toISOString(),
  connection: '',
});

test('files of farewells come back oldest first, whatever the endpoint is called, until they are removed', () => {
  const directory = instanceDirectory();
  const files = new FarewellFiles(directory);
  const records = [record('b', '1', 1), record('a', '1', 2), record('../a/ü'.repeat(30), '2', 3)];
  for (const each of records.toReversed()) files.write(each);
  expect(readFarewellRecords(directory)).toEqual({ records, unreadable: [] });
  for (const each of records) files.remove(each);
  files.remove(record('b', '1', 1));
  expect(readdirSync(farewellsDirectory(directory))).toEqual([]);
});

test('files of farewells that are none are told and left alone', () => {
  const directory = instanceDirectory();
  expect(readFarewellRecords(directory)).toEqual({ records: [], unreadable: [] });
  new FarewellFiles(directory).write(record('a', '1', 1));
  const file = join(farewellsDirectory(directory), 'b.json');
  writeFileSync(file, '{"schema":1}');
  const { records, unreadable } = readFarewellRecords(directory);
  expect(records).toHaveLength(1);
  expect(unreadable).toMatchObject([{ file }]);
});

import { describe, expect, test } from '@jest/globals';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { instanceDirectory } from '../../test/instance-directory.ts';
import type { ServiceRecord } from './service-record.ts';
import { ServiceFiles } from './services.ts';
import { readServiceRecords, servicesDirectory } from './view.ts';

const record = (name: string): ServiceRecord => ({
  schema: 1,
  name,
  payload: 'IP',
  fixed: true,
  owners: [],
  message: '',
});

describe('the files of services', () => {
  test('come back as they were written, by name, until they are removed', () => {
    const directory = instanceDirectory();
    const files = new ServiceFiles(directory);
    for (const name of ['b', 'a']) files.write(record(name));
    files.write({ ...record('b'), owners: ['netns 4:1'] });
    expect(readServiceRecords(directory)).toEqual({
      records: [record('a'), { ...record('b'), owners: ['netns 4:1'] }],
      unreadable: [],
    });
    files.remove('a');
    files.remove('a');
    expect(readdirSync(servicesDirectory(directory))).toEqual(['b.json']);
  });

  test('take any name, each its own', () => {
    const directory = instanceDirectory();
    const files = new ServiceFiles(directory);
    const names = [
      '..',
      'a/b',
      '/etc/passwd',
      'a:b@c',
      'ü'.repeat(100),
      '/'.repeat(253),
      `${'/'.repeat(252)}x`,
      '%-1',
    ];
    for (const name of names) files.write(record(name));
    expect(readServiceRecords(directory).records.map(({ name }) => name)).toEqual(names.sort());
    for (const file of readdirSync(servicesDirectory(directory))) expect(file).toMatch(/^[^/]{1,245}\.json$/);
    for (const name of names) files.remove(name);
    expect(readdirSync(servicesDirectory(directory))).toEqual([]);
  });

  test('that are no records are told and left alone', () => {
    const directory = instanceDirectory();
    new ServiceFiles(directory).write(record('a'));
    const file = join(servicesDirectory(directory), 'b.json');
    writeFileSync(file, '{"schema":1}');
    const { records, unreadable } = readServiceRecords(directory);
    expect(records.map(({ name }) => name)).toEqual(['a']);
    expect(unreadable).toMatchObject([{ file }]);
  });

  test('without a directory there are none', () => {
    expect(readServiceRecords(instanceDirectory())).toEqual({ records: [], unreadable: [] });
  });
});

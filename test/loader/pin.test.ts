import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { BpfLink } from '../../loader/link/link.ts';
import { BpfMap } from '../../loader/map.ts';
import { isBpffs, listPins, makePinDirectory, unpin } from '../../loader/pin.ts';
import { BpfProgram } from '../../loader/program.ts';
import { failOnLeakedFds } from '../fds.ts';
import { failure } from './failure.ts';
import { Sample } from './sample.ts';

const root = '/sys/fs/bpf/loader_pin';
const directory = `${root}/inner`;
const sample = new Sample();
const table = sample.map('table');
const program = sample.program('sample_tc');

beforeAll(() => {
  makePinDirectory(directory);
  table.pin(`${directory}/table`);
  program.pin(`${directory}/program`);
});
afterAll(() => {
  for (const { path, kind } of listPins(directory)) if (kind !== 'directory') unpin(path);
  rmdirSync(directory);
  rmdirSync(root);
  sample.close();
});

test('bpffs is told by its magic', () => {
  expect(isBpffs('/sys/fs/bpf')).toBe(true);
  expect(isBpffs(directory)).toBe(true);
  expect(isBpffs(tmpdir())).toBe(false);
});

test('a directory lists its pins with their kinds', () => {
  expect(listPins(root)).toEqual([{ kind: 'directory', name: 'inner', path: directory }]);
  expect(listPins(directory).map(({ kind, name }) => [kind, name])).toEqual([
    ['program', 'program'],
    ['map', 'table'],
  ]);
});

test('a pin is the same map', () => {
  const again = BpfMap.openPinned(`${directory}/table`);
  again.set(Buffer.from('key!'), Buffer.alloc(8, 1));
  expect(again.info).toEqual(table.info);
  expect(table.get(Buffer.from('key!'))).toEqual(Buffer.alloc(8, 1));
  again.close();
});

test('read-only is read-only', () => {
  const reader = BpfMap.openPinned(`${directory}/table`, { readOnly: true });
  expect(reader.info.id).toBe(table.info.id);
  expect([...reader.entries()].length).toBeGreaterThanOrEqual(0);
  expect(
    failure(() => {
      reader.set(Buffer.alloc(4), Buffer.alloc(8));
    }).code,
  ).toBe('EPERM');
  reader.close();
});

test('a pin of another kind is refused', () => {
  expect(failure(() => BpfProgram.openPinned(`${directory}/table`)).message).toBe(
    `Open program pinned at '${directory}/table': EARGUMENT: it is a map`,
  );
  expect(failure(() => BpfMap.openPinned(`${directory}/program`)).message).toContain('it is a program');
  expect(failure(() => BpfLink.openPinned(`${directory}/program`)).message).toContain('it is a program');
});

test.each([
  ['nothing there', `${directory}/absent`, 'ENOENT'],
  ['not on bpffs', '/proc/self/status', 'EACCES'],
])('%s', (_, path, code) => {
  expect(failure(() => BpfMap.openPinned(path))).toMatchObject({ code, op: 'Open' });
});

test('errors of pinning say what is wrong', () => {
  const pin = (path: string): string =>
    failure(() => {
      table.pin(path);
    }).message;
  expect(pin(`${directory}/table`)).toBe(
    `Pin map 'table' at '${directory}/table': EEXIST (file already exists)`,
  );
  expect(pin(`${directory}/a.b`)).toContain('bpffs refuses names that hold a dot');
  expect(pin(`${tmpdir()}/table`)).toContain(`'${tmpdir()}' is not on a BPF file system`);
  expect(pin(`${directory}/absent/table`)).toContain('ENOENT');
});

test('a pin directory is made on bpffs only', () => {
  makePinDirectory(directory);
  expect(
    failure(() => {
      makePinDirectory(`${tmpdir()}/vwire/pins`);
    }).message,
  ).toBe(`Make pin directory '${tmpdir()}/vwire/pins': EARGUMENT: '${tmpdir()}' is not on a BPF file system`);
});

failOnLeakedFds();

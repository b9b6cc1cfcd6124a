import { expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { struct, text, u32, u64, type Fields, type Struct } from './struct.ts';
import * as uapi from './uapi.ts';

const isStruct = (value: unknown): value is Struct<Fields> =>
  typeof value === 'object' && value !== null && 'cName' in value;
const exported: [string, unknown][] = Object.entries(uapi);
const tables = exported.flatMap(([name, table]) => (isStruct(table) ? [{ name, table }] : []));

// Members of union bpf_attr are nested in unnamed structs, and this machine's headers may be older than
// tcx: those tables are proven by use, in test/loader/link.test.ts.
const checked = tables.filter(({ table }) => table.cName.startsWith('struct '));

test.each(checked)('$name has the offsets and sizes of the C headers', ({ table }) => {
  const wanted = Object.entries(table.fields).map(
    ([field, { offset, size }]) =>
      `_Static_assert(__builtin_offsetof(${table.cName}, ${field}) == ${offset}, "offset of ${field}");\n` +
      `_Static_assert(sizeof(((${table.cName} *)0)->${field}) == ${size}, "size of ${field}");`,
  );
  const source = [
    '#include <linux/bpf.h>',
    '#include <bpf/bpf.h>',
    '#include <bpf/libbpf.h>',
    `_Static_assert(sizeof(${table.cName}) == ${table.size}, "size of ${table.cName}");`,
    ...wanted,
  ].join('\n');
  const compiler = spawnSync('gcc', ['-fsyntax-only', '-x', 'c', '-'], { input: source, encoding: 'utf8' });
  expect(compiler.stderr).toBe('');
  expect(compiler.status).toBe(0);
});

test('a struct comes back as it went in, absent fields zero', () => {
  const sample = struct('struct sample', 32, { a: u32(0), name: text(4, 8), b: u64(16) });
  const bytes = sample.encode({ name: 'wire', b: 2n ** 63n });
  expect(bytes).toHaveLength(32);
  expect(sample.decode(bytes)).toEqual({ a: 0, name: 'wire', b: 2n ** 63n });
  expect(sample.decode(sample.encode({ name: 'too long by far' })).name).toBe('too long');
});

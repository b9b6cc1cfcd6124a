import { describe, expect, test } from '@jest/globals';
import blindness from './blindness.mjs';
import length, { limit } from './length.mjs';
import names from './names.mjs';
import readmes from './readmes.mjs';
import unfinished from './unfinished.mjs';
import { treeOf } from './tree.mjs';

const found = (rule, record) => rule.check(treeOf(record));

describe('names', () => {
  test.each([
    'src/utils/hop.ts',
    'src/hop-helpers.ts',
    'bpf/lib/common.h',
    'scripts/misc.sh',
    'src/net/wire_manager.ts',
  ])('%s says nothing', (file) => {
    expect(found(names, { [file]: '' })).toEqual([expect.objectContaining({ file })]);
  });

  test.each(['src/net/shared-memory.ts', 'src/net/database.ts', 'src/api/nsm/manager.ts', 'docs/common.md'])(
    '%s is a name, or no code',
    (file) => {
      expect(found(names, { [file]: '' })).toEqual([]);
    },
  );
});

describe('length', () => {
  const lines = (count, first = '') => `${first}\n${'x;\n'.repeat(count - 1)}`;

  test('the limit itself passes, one line more does not', () => {
    expect(found(length, { 'a.ts': lines(limit) })).toEqual([]);
    expect(found(length, { 'a.ts': lines(limit + 1) })).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/^301 lines, 300 are the limit/) }),
    ]);
  });

  test('a reason counts in the first lines only, and generated code is as long as it is', () => {
    const reason = '// Long because the table is one table';
    expect(found(length, { 'a.ts': lines(400, reason) })).toEqual([]);
    expect(found(length, { 'a.ts': `${lines(400)}${reason}\n` })).toHaveLength(1);
    expect(found(length, { 'a.gen.ts': lines(400) })).toEqual([]);
  });
});

describe('readmes', () => {
  const page = '# net\n\nSpeaks netlink to the kernel. Refuses NSM.\n\nA message family is a file here.\n';

  test('every folder of code has its page, with more than a title', () => {
    expect(found(readmes, { 'src/net/a.ts': '', 'src/net/README.md': page })).toEqual([]);
    expect(found(readmes, { 'src/net/a.ts': '' })).toEqual([
      expect.objectContaining({ file: 'src/net/README.md', message: expect.stringMatching(/^missing/) }),
    ]);
    expect(
      found(readmes, { 'src/net/a.ts': '', 'src/net/README.md': '# net\n\nSpeaks netlink.\n' }),
    ).toHaveLength(1);
  });

  test('folders of text, of protobuf packages and of CI need none', () => {
    expect(found(readmes, { 'docs/a.md': '', 'src/api/admin/v1/a.proto': '', '.ci/run': '' })).toEqual([]);
  });
});

describe('unfinished', () => {
  test.each([
    '// TO' + 'DO later',
    '/* FIX' + 'ME */',
    'throw new Error("not implem' + 'ented")',
    '# good enough for n' + 'ow',
  ])('finds: %s', (text) => {
    expect(found(unfinished, { 'a.ts': `\n${text}\n` })).toEqual([expect.objectContaining({ line: 2 })]);
  });

  test('ordinary words pass', () => {
    expect(found(unfinished, { 'a.ts': 'const todos = hackney; // for nowhere' })).toEqual([]);
  });
});

describe('blindness', () => {
  test.each(['x as unkn' + 'own as Y', '// @ts-ign' + 'ore', '/* eslint-dis' + 'able */'])(
    'finds: %s',
    (text) => {
      expect(found(blindness, { 'src/a.ts': text })).toHaveLength(1);
      expect(found(blindness, { 'src/a.test.ts': text })).toEqual([]);
    },
  );
});

import { describe, expect, test } from '@jest/globals';
import processes from './processes.mjs';
import product from './product.mjs';
import { treeOf } from './tree.mjs';

const manifest = JSON.stringify({
  dependencies: { pino: '1', '@grpc/grpc-js': '1' },
  optionalDependencies: { koffi: '1' },
  devDependencies: { 'fast-check': '1' },
});
const check = (rule, file, name) =>
  rule
    .check(treeOf({ 'package.json': manifest, [file]: `import { x } from '${name}';` }))
    .map(({ message }) => message);

describe('product', () => {
  test.each([
    ['src/main.ts', 'pino'],
    ['src/main.ts', '@grpc/grpc-js/build/src/x.js'],
    ['loader/ffi/koffi.ts', 'koffi'],
    ['src/main.ts', 'node:fs/promises'],
    ['src/net/veth.test.ts', 'fast-check'],
    ['src/net/veth.test.ts', '../../test/skip.ts'],
    ['test/wire.test.ts', '@jest/globals'],
  ])('%s may import %s', (file, name) => {
    expect(check(product, file, name)).toEqual([]);
  });

  test.each([
    ['src/main.ts', 'fast-check', /not among "dependencies"/],
    ['src/main.ts', '@jest/globals', /'@jest\/globals' is not among/],
    ['src/main.ts', 'fs', /write 'node:fs'/],
    ['src/main.ts', '../test/skip.ts', /may not import test\/skip.ts/],
    ['maps/hops.ts', './hops.test.ts', /may not import maps\/hops.test.ts/],
    ['src/main.ts', '../scripts/build.mjs', /may not import scripts\/build.mjs/],
  ])('%s may not import %s', (file, name, expected) => {
    expect(check(product, file, name)).toEqual([expect.stringMatching(expected)]);
  });
});

describe('processes', () => {
  test.each([
    'src/cli/demo.ts',
    'src/net/nft.ts',
    'loader/relay/relay.ts',
    'test/pod.ts',
    'src/net/veth.test.ts',
  ])('%s may start processes', (file) => {
    expect(check(processes, file, 'node:child_process')).toEqual([]);
  });

  test.each(['src/cli/ls.ts', 'src/net/veth.ts', 'loader/object.ts', 'src/main.ts'])(
    '%s may not start processes',
    (file) => {
      expect(check(processes, file, 'child_process')).toEqual([
        expect.stringMatching(/ask the kernel itself/),
      ]);
    },
  );
});

import { describe, expect, test } from '@jest/globals';
import layers from './layers.mjs';
import { treeOf } from './tree.mjs';

const messages = (record) => layers.check(treeOf(record)).map(({ message }) => message);

describe('layers', () => {
  test.each([
    ['src/main.ts', './cli/ls.ts'],
    ['src/main.ts', './version.ts'],
    ['src/main.ts', './agent.ts'],
    ['src/cli/agent.ts', '../agent.ts'],
    ['src/agent.ts', './features/wire/api.ts'],
    ['src/main.ts', './dataplane/wire.ts'],
    ['src/cli/ls.ts', '../api/vwire/client.ts'],
    ['src/cli/ls.ts', '../dataplane/view.ts'],
    ['src/cli/ls.ts', '../dataplane/view/table.ts'],
    ['src/cli/ls.ts', '../state/view.ts'],
    ['src/cli/ls.ts', '../features/wire/api.ts'],
    ['src/cli/ls.ts', '../features/failure.ts'],
    ['src/features/wire/api.ts', '../failure.ts'],
    ['src/api/nsm/forwarder.ts', '../../features/wire/wire.ts'],
    ['src/api/nsm/forwarder.ts', '../../state/scope.ts'],
    ['src/api/nsm/forwarder.ts', './chain/begin.ts'],
    ['src/features/splice/splice.ts', '../wire/wire.ts'],
    ['src/features/wire/wire.ts', '../../dataplane/wire.ts'],
    ['src/features/wire/wire.ts', '../../net/veth.ts'],
    ['src/dataplane/wire.ts', '../net/veth.ts'],
    ['src/dataplane/wire.ts', '../../maps/hops.ts'],
    ['src/dataplane/wire.ts', '../../loader/link.ts'],
    ['src/dataplane/wire.ts', '../error.ts'],
    ['src/net/veth.ts', '../../loader/ffi/select.ts'],
    ['maps/hops.ts', '../loader/map.ts'],
    ['loader/object.ts', './ffi/select.ts'],
    ['test/wire.test.ts', '../src/dataplane/wire.ts'],
    ['loader/object.ts', 'node:fs'],
  ])('%s may import %s', (file, name) => {
    expect(messages({ [file]: `import { x } from '${name}';` })).toEqual([]);
  });

  test.each([
    ['src/cli/ls.ts', '../dataplane/wire.ts', /ask the agent through src\/api/],
    ['src/cli/ls.ts', '../features/wire/wire.ts', /a verb is a client/],
    ['src/features/wire/api.ts', '../../dataplane/wire.ts', /words only/],
    ['src/api/nsm/forwarder.ts', '../../net/veth.ts', /calls of src\/features/],
    ['src/api/nsm/forwarder.ts', '../../../maps/hops.ts', /knows no map/],
    ['src/api/nsm/forwarder.ts', '../cni/add.ts', /may not import src\/api\/cni: put what both need/],
    ['src/features/wire/wire.ts', '../splice/splice.ts', /call src\/features\/wire only, not splice/],
    ['src/features/wire/wire.ts', '../../../maps/hops.ts', /asks src\/dataplane/],
    ['src/dataplane/wire.ts', '../features/wire/wire.ts', /pass what it needs as an argument/],
    ['src/dataplane/wire.ts', '../state/scope.ts', /pass what it needs as an argument/],
    ['src/net/veth.ts', '../../loader/link.ts', /loader\/ffi alone/],
    ['src/net/veth.ts', '../../maps/hops.ts', /loader\/ffi alone/],
    ['src/state/scope.ts', '../net/veth.ts', /knows no kernel/],
    ['maps/hops.ts', '../src/dataplane/wire.ts', /not who fills it/],
    ['loader/object.ts', '../maps/hops.ts', /knows nothing of NSM or of our maps/],
    ['loader/ffi/koffi.ts', '../object.ts', /the bottom/],
    ['src/error.ts', './net/veth.ts', /may use none/],
    ['web/page.ts', '../src/main.ts', /no known part/],
    ['src/wires/wire.ts', '../main.ts', /no known part/],
  ])('%s may not import %s', (file, name, expected) => {
    expect(messages({ [file]: `import { x } from '${name}';` })).toEqual([expect.stringMatching(expected)]);
  });

  test.each([
    ["import type { Map } from '../../maps/hops.ts';"],
    ["export * from '../../maps/hops.ts';"],
    ["const late = await import('../../maps/hops.ts');"],
    ["type M = import('../../maps/hops.ts').Map;"],
  ])('is not deceived by the form: %s', (text) => {
    expect(messages({ 'src/net/veth.ts': text })).toHaveLength(1);
  });

  test('a comment or a string imports nothing, and the line is the import’s', () => {
    const text =
      "// import '../../maps/a.ts'\nconst s = \"from '../../maps/b.ts'\";\n\nimport '../../maps/c.ts';\n";
    expect(layers.check(treeOf({ 'src/net/veth.ts': text }))).toEqual([
      expect.objectContaining({ file: 'src/net/veth.ts', line: 4 }),
    ]);
  });
});

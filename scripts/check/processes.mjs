// Who may start processes: the agent is asked for root's trust and keeps it small.
import { importsOf } from './imports.mjs';
import { isTest, isTypeScript } from './tree.mjs';

const may = [
  /^src\/cli\/demo(\.ts$|\/)/, // plays the pods and the user
  /^src\/net\/nft\.ts$/, // one fixed command, JSON on stdin
  /^src\/features\/sidecar\//, // manages processes by trade
  /^loader\/relay/, // manages the relay process
];
const message =
  'only the relay, sidecars, src/net/nft.ts and the demo may start processes: ask the kernel itself, by netlink (src/net), by libbpf (loader) or through a file';

export default {
  name: 'processes',
  check: ({ files, read }) =>
    files
      .filter((f) => isTypeScript(f) && !isTest(f) && !may.some((pattern) => pattern.test(f)))
      .flatMap((file) =>
        importsOf(file, read(file))
          .filter(({ name }) => /^(node:)?(child_process|cluster)$/.test(name))
          .map(({ line }) => ({ file, line, message })),
      ),
};

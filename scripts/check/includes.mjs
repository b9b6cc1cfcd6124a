// The same direction for C: programs include maps/ and bpf/lib, maps/ includes itself only, and
// loader/relay knows neither. Headers in <angles> are the system's and never ours.
import { posix } from 'node:path';
import { eachLine, folderOf, isC, isGenerated } from './tree.mjs';

// `near`: a file may include what lies beside it.
const rules = [
  {
    of: /^maps\//,
    near: true,
    may: [],
    instead: 'maps/ is read by programs, generators and tools alike and includes headers of maps/ only',
  },
  {
    of: /^bpf\/lib\//,
    near: true,
    may: [/^maps\/[^/]+\.h$/],
    instead: 'move what a program and bpf/lib share into bpf/lib',
  },
  {
    of: /^bpf\//,
    near: true,
    may: [/^maps\/[^/]+\.h$/, /^bpf\/lib\/[^/]+\.h$/],
    instead: 'include maps/*.h or bpf/lib only: what two programs share belongs into bpf/lib',
  },
  {
    of: /^loader\//,
    near: true,
    may: [],
    instead: 'the relay knows neither our maps nor our programs: pass it through its control socket',
  },
  { of: /^test\//, near: true, may: [/^(test|maps|loader\/relay)\//], instead: 'use maps/ or loader/relay' },
];

/** Quoted includes are searched as the compiler does: beside the file, at the top, below bpf/. */
function resolve(file, name, files) {
  const places = [posix.join(folderOf(file), name), posix.normalize(name), posix.join('bpf', name)];
  return places.find((p) => files.has(p)) ?? places[1];
}

export default {
  name: 'includes',
  check(tree) {
    const files = new Set(tree.files);
    return tree.files
      .filter((f) => isC(f) && !isGenerated(f))
      .flatMap((file) => {
        const rule = rules.find(({ of }) => of.test(file));
        if (!rule) return [{ file, line: 1, message: 'C code lives in bpf/, maps/, loader/relay or test/' }];
        return eachLine(tree.read(file), (text, line) => {
          const name = text.match(/^\s*#\s*include\s+"([^"]+)"/)?.[1];
          if (name === undefined) return null;
          const target = resolve(file, name, files);
          if (rule.near && folderOf(target) === folderOf(file)) return null;
          if (rule.may.some((pattern) => pattern.test(target))) return null;
          return { file, line, message: `may not include ${target}: ${rule.instead}` };
        });
      });
  },
};

// Names that say nothing gather what belongs nowhere.
import { isCode } from './tree.mjs';

const empty = /^(utils?|commons?|helpers?|misc|shared|managers?|base)$/;
// NSM's own word for one of its parts.
const known = [/^src\/api\/nsm\/manager(\.|\/)/];

/** The last word decides: `wire-manager` says no more than `wire`, `shared-memory` names a thing. */
const lastWord = (segment) => segment.split('.')[0].split(/[-_]/).at(-1);

export default {
  name: 'names',
  check: ({ files }) =>
    files
      .filter((f) => isCode(f) && !known.some((pattern) => pattern.test(f)))
      .flatMap((file) => {
        const said = file.split('/').find((segment) => empty.test(lastWord(segment)));
        if (said === undefined) return [];
        return [
          {
            file,
            line: 1,
            message: `'${said}' does not say what is inside: name it after the one thing it does, in the kernel's or NSM's word`,
          },
        ];
      }),
};

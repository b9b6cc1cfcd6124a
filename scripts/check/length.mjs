// A file over the limit has a seam, or a reason that it states where a reader begins.
import { isCode, isGenerated } from './tree.mjs';

export const limit = 300;
const head = 10;

export default {
  name: 'length',
  check: ({ files, read }) =>
    files
      .filter((f) => isCode(f) && !isGenerated(f))
      .flatMap((file) => {
        const lines = read(file).replace(/\n$/, '').split('\n');
        if (lines.length <= limit) return [];
        if (lines.slice(0, head).some((line) => /\bLong because \w+/.test(line))) return [];
        return [
          {
            file,
            line: limit + 1,
            message: `${lines.length} lines, ${limit} are the limit: split it where two things meet, or say why not in its first ${head} lines ("Long because ...")`,
          },
        ];
      }),
};

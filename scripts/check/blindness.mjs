// Places where the type checker or the linter was told to look away. eslint forbids `any` itself; it
// cannot forbid its own silencing, nor a cast through unknown.
import { eachLine, isGenerated, isTest, isTypeScript } from './tree.mjs';

const blinds = /@ts-(ignore|expect-error|nocheck)|eslint-disable|\bas unknown as\b/;

export default {
  name: 'blindness',
  check: ({ files, read }) =>
    files
      .filter((f) => isTypeScript(f) && !isGenerated(f) && !isTest(f))
      .flatMap((file) =>
        eachLine(read(file), (text, line) => {
          const blind = text.match(blinds)?.[0];
          if (blind === undefined) return null;
          return {
            file,
            line,
            message: `'${blind}' hides what the checker knows: narrow with a type guard, or give the foreign thing an interface`,
          };
        }),
      ),
};

// What is shipped imports only what is shipped with it: no test code, no development package.
import { builtinModules } from 'node:module';
import { importsOf } from './imports.mjs';
import { isTest, isTypeScript } from './tree.mjs';

const shipped = /^(src|loader|maps)\//;
const packageOf = (name) => name.match(/^(@[^/]+\/)?[^/]+/)[0];

function refusal(file, { name, target }, { dependencies = {}, optionalDependencies = {} }) {
  if (target !== null) {
    if (isTest(target) || target.startsWith('scripts/'))
      return `the product may not import ${target}: move what both need into the product`;
    return null;
  }
  if (name.startsWith('node:')) return null;
  if (builtinModules.includes(name)) return `'${name}' is a builtin: write 'node:${name}'`;
  const owner = packageOf(name);
  if (owner in dependencies || owner in optionalDependencies) return null;
  return `'${owner}' is not among "dependencies" of package.json and would be missing at the user's: do without, or add it there`;
}

export default {
  name: 'product',
  check({ files, read }) {
    const manifest = JSON.parse(read('package.json'));
    return files
      .filter((f) => isTypeScript(f) && shipped.test(f) && !isTest(f))
      .flatMap((file) =>
        importsOf(file, read(file)).flatMap((found) => {
          const message = refusal(file, found, manifest);
          return message === null ? [] : [{ file, line: found.line, message }];
        }),
      );
  },
};

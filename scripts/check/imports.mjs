// What a TypeScript file imports, by the compiler's own scanner: a regular expression is fooled by
// comments and strings, and misses `import()` and `export ... from`.
import { posix } from 'node:path';
import ts from 'typescript';
import { folderOf } from './tree.mjs';

/** `[{ name, line, target }]`: `target` is the path in the tree, or null for a package or a builtin. */
export function importsOf(path, text) {
  const { importedFiles } = ts.preProcessFile(text, true, true);
  return importedFiles.map(({ fileName: name, pos }) => ({
    name,
    line: text.slice(0, pos).split('\n').length,
    target: name.startsWith('.') ? posix.join(folderOf(path), name) : null,
  }));
}

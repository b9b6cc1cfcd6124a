// The files of a checkout as the rules see them. Walks the folders instead of asking git: a checkout
// owned by somebody else makes git refuse ("dubious ownership"), and a source archive has none.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const left = new Set(['node_modules', 'dist', '.git']);

/** Made by a tool, so no reader's business: rules about style and shape pass these by. */
export const isGenerated = (path) => /\.gen\.[a-z]+$|_pb\.(ts|js)$|(^|\/)vmlinux\.h$/.test(path);
export const isTypeScript = (path) => path.endsWith('.ts');
export const isC = (path) => /\.[ch]$/.test(path);
export const isCode = (path) => /\.(ts|js|mjs|c|h|sh|proto)$/.test(path) || path === '.ci/run';
export const isTest = (path) => path.startsWith('test/') || /\.test\.(ts|mjs)$/.test(path);

/** The part of a path before its last slash; '.' at the top. */
export const folderOf = (path) => (path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '.');

function* walk(root, folder) {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    if (left.has(entry.name)) continue;
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) yield* walk(root, path);
    else if (entry.isFile()) yield path;
  }
}

/** `{ files, read }`: paths relative to root, sorted, with forward slashes; `read` gives a file's text. */
export const treeAt = (root) => ({
  files: [...walk(root, '')].sort(),
  read: (path) => readFileSync(join(root, path), 'utf8'),
});

/** The same of a record `{path: text}`. */
export const treeOf = (record) => ({ files: Object.keys(record).sort(), read: (path) => record[path] });

/** Calls `visit(line, number)` for every line and gathers what is not null. */
export const eachLine = (text, visit) =>
  text.split('\n').flatMap((line, i) => {
    const found = visit(line, i + 1);
    return found === null ? [] : [found];
  });

// Every house rule; a new one is a file beside this one and a line here.
import blindness from './blindness.mjs';
import includes from './includes.mjs';
import layers from './layers.mjs';
import length from './length.mjs';
import names from './names.mjs';
import processes from './processes.mjs';
import product from './product.mjs';
import readmes from './readmes.mjs';
import unfinished from './unfinished.mjs';

const rules = [layers, product, processes, includes, names, length, readmes, unfinished, blindness];

/** `file:line: message (rule)` for everything found in the tree. */
export const findings = (tree) =>
  rules.flatMap(({ name, check }) =>
    check(tree).map(({ file, line, message }) => `${file}:${line}: ${message} (${name})`),
  );

// Which part of the tree may import which: ARCHITECTURE.md, "Dependency direction".
import { importsOf } from './imports.mjs';
import { isGenerated, isTypeScript } from './tree.mjs';

// From the most to the least particular; the first pattern that fits names the part.
const parts = [
  ['main', /^src\/(main|agent)(\.|\/)/],
  ['api', /^src\/api\//],
  ['feature words', /^src\/features\/(failure|[^/]+\/api)\.ts$/],
  ['features', /^src\/features\//],
  ['dataplane view', /^src\/dataplane\/view(\.|\/)/],
  ['dataplane', /^src\/dataplane\//],
  ['unix sockets', /^src\/net\/unix\//],
  ['net', /^src\/net\//],
  ['state view', /^src\/state\/view(\.|\/)/],
  ['state', /^src\/state\//],
  ['cli', /^src\/cli\//],
  ['sdk', /^src\/(client|endpoint)\//],
  ['agent words', /^src\/[^/]+\.ts$/],
  ['maps', /^maps\//],
  ['ffi', /^loader\/ffi\//],
  ['loader', /^loader\//],
  ['test', /^test\//],
  ['scripts', /^scripts\//],
  ['settings', /^[^/]+$/],
];

// What each part may import besides itself, and what to do instead of anything else.
const allowed = {
  main: {
    of: [
      'cli',
      'api',
      'features',
      'feature words',
      'dataplane',
      'dataplane view',
      'net',
      'unix sockets',
      'state',
      'state view',
      'loader',
      'ffi',
    ],
    instead: 'main only puts the parts together',
  },
  cli: {
    of: ['main', 'api', 'sdk', 'feature words', 'dataplane view', 'state view'],
    instead:
      'a verb is a client: ask the agent through src/api, or read through src/dataplane/view and src/state/view',
  },
  sdk: {
    of: ['api', 'unix sockets', 'feature words'],
    instead: 'a library for workloads speaks the api and has no agent beside it',
  },
  api: {
    of: ['features', 'feature words', 'unix sockets', 'state', 'state view'],
    instead:
      'an api translates what was asked into calls of src/features and knows no map, no netlink and no loader: give the feature a function for this',
  },
  'feature words': {
    of: [],
    instead:
      'what a feature is asked in is words only, for clients that may have nothing else: import nothing',
  },
  features: {
    of: ['feature words', 'dataplane', 'dataplane view', 'net', 'unix sockets', 'state', 'state view'],
    instead: 'a feature asks src/dataplane for what concerns maps and programs, and knows no caller',
  },
  dataplane: {
    of: ['dataplane view', 'net', 'maps', 'loader', 'ffi'],
    instead:
      'the dataplane knows ports, wires and hops only: let the caller pass what it needs as an argument',
  },
  'dataplane view': {
    of: ['dataplane', 'net', 'maps', 'loader', 'ffi'],
    instead: 'the view reads maps and pins only: let the caller pass what it needs as an argument',
  },
  'unix sockets': {
    of: ['net', 'ffi'],
    instead: 'a socket passes bytes and descriptors and knows nobody who speaks over it',
  },
  net: {
    of: ['ffi'],
    instead:
      'net speaks netlink and namespaces through loader/ffi alone: move what needs more up to its caller',
  },
  state: {
    of: ['state view'],
    instead: 'state reads and writes files and knows no kernel: pass the facts in',
  },
  'state view': {
    of: ['state'],
    instead: 'state reads and writes files and knows no kernel: pass the facts in',
  },
  'agent words': { of: [], instead: 'a file beside src/main.ts is used by every part, so it may use none' },
  maps: { of: ['loader', 'ffi'], instead: 'a table knows its layout and the loader, not who fills it' },
  loader: {
    of: ['ffi'],
    instead: 'the loader knows nothing of NSM or of our maps: pass it in as an argument',
  },
  ffi: { of: [], instead: 'the FFI port is the bottom: move what needs more up into loader/' },
  scripts: {
    of: [],
    instead: 'a script runs before anything is built: read files, or run dist/ as a process',
  },
  settings: { of: [], instead: 'the settings at the top stand alone' },
};
const words = new Set([
  'main',
  'api',
  'cli',
  'features',
  'dataplane',
  'dataplane view',
  'net',
  'unix sockets',
  'sdk',
  'state',
  'state view',
]);

const partOf = (path) => parts.find(([, pattern]) => pattern.test(path))?.[0] ?? null;
const inside = (path, folder) => path.match(new RegExp(`^${folder}/([^/]+)/`))?.[1] ?? null;

/** Null where `from` may import `to`, else why not and what to do instead. */
function refusal(from, to) {
  const [source, target] = [partOf(from), partOf(to)];
  if (source === null) return `${from} lies in no known part: add its folder to scripts/check/layers.mjs`;
  if (target === null) return `${to} lies in no known part: add its folder to scripts/check/layers.mjs`;
  if (source === 'test') return null;
  const [api, otherApi] = [inside(from, 'src/api'), inside(to, 'src/api')];
  if (api !== null && otherApi !== null && api !== otherApi)
    return `src/api/${api} may not import src/api/${otherApi}: put what both need into a feature`;
  const [feature, other] = [inside(from, 'src/features'), inside(to, 'src/features')];
  if (feature !== null && other !== null && feature !== other && other !== 'wire')
    return `src/features/${feature} may call src/features/wire only, not ${other}: let their caller join the two`;
  if (source === target || allowed[source].of.includes(target)) return null;
  if (target === 'agent words' && words.has(source)) return null;
  if (target === 'test') return null; // told by rule "product", which knows which test may
  return `${source} may not import ${target} (${to}): ${allowed[source].instead}`;
}

export default {
  name: 'layers',
  check: ({ files, read }) =>
    files
      .filter((f) => isTypeScript(f) && !isGenerated(f))
      .flatMap((file) =>
        importsOf(file, read(file)).flatMap(({ target, line }) => {
          const message = target === null ? null : refusal(file, target);
          return message === null ? [] : [{ file, line, message }];
        }),
      ),
};

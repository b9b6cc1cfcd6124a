// Completes package-lock.json: npm drops the optional packages of other platforms from the lock when
// the registry it asked does not carry them, and `npm ci` then refuses the lock (EUSAGE).
// Run after every `npm install`.
import { readFileSync, writeFileSync } from 'node:fs';

const path = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(path, 'utf8'));
const os = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32', 'wasm32'];
let added = 0;
for (const entry of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const key = `node_modules/${name}`;
    if (lock.packages[key] || String(version).startsWith('npm:')) continue;
    const system = os.find((s) => name.includes(`-${s}-`));
    lock.packages[key] = { version, ...(system ? { os: [system] } : { cpu: ['none'] }), optional: true };
    if (entry.dev) lock.packages[key].dev = true;
    added++;
  }
}
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${added} optional entries added`);

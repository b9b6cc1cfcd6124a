// holder.mjs LINKS PIN...: takes links over from their pins and holds them, as a program without pins
// would. They end with this process.
import { join } from 'node:path';
import { BpfLink } from '../../dist/loader/link/link.js';
import { unpin } from '../../dist/loader/pin.js';

const [directory, ...names] = process.argv.slice(2);
const held = names.map((name) => {
  const link = BpfLink.openPinned(join(directory, name));
  unpin(join(directory, name));
  return link;
});
console.log('ready', held.length);
process.stdin.resume();

// The product, as its users drive it: an agent of its own instance, wires by the command line. The agent
// starts with the first wire and stays; between measurements it is idle.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { fixNeighbours, pods, removeVeths, switchOffloadsOff } from '../pods.mjs';
import { run, start } from '../process.mjs';

const main = fileURLToPath(new URL('../../../dist/src/main.js', import.meta.url));
const instance = `bench-${process.pid}`;
const unreachable = 5;
const patience = 20_000;
let agent = null;

const vwire = (verb, args) => [process.execPath, main, ...verb, '--instance', instance, ...args];
const side = ({ netns, address, mac }) => `name:${netns},name=eth0,address=${address}/24,mac=${mac}`;

/** The first wire waits for the agent's socket. */
async function addWire(args) {
  agent ??= start(vwire(['agent'], ['--log-level', 'warn']));
  const end = Date.now() + patience;
  for (;;) {
    try {
      return await run(vwire(['wire', 'add'], args));
    } catch (error) {
      if (!agent.alive()) throw new Error(`The agent ended: ${agent.said()}`, { cause: error });
      if (error.cause.code !== unreachable || Date.now() > end) throw error;
    }
  }
}

const wire = (datapath, remark, more = []) => ({
  name: `vwire-${datapath}`,
  remark,
  unavailable: () => (existsSync(main) ? null : 'there is no dist/src/main.js: run `npm run build`'),
  up: async () => {
    const sides = ['--left', side(pods.left), '--right', side(pods.right)];
    await addWire([...sides, '--connection', `bench-${datapath}`, '--datapath', datapath, ...more]);
    await fixNeighbours();
    if (more.length > 0) await switchOffloadsOff();
  },
  down: async () => {
    try {
      await run(vwire(['wire', 'rm'], [`bench-${datapath}`]));
    } finally {
      await removeVeths();
    }
  },
});

export const vwireTcx = wire('tcx', 'a wire, counters on, tcx');
export const vwireClsact = wire('clsact', 'a wire, counters on, clsact');
export const vwireXdp = wire('xdp', "a wire, counters on, native XDP, pods' tx offloads off", [
  '--accept-no-offload',
]);

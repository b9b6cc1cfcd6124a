// The product, as its users drive it: an agent of its own instance, wires by the command line. The agent
// starts with the first wire and stays; between measurements it is idle.
import { startAgent, unavailable, vwire } from '../agent.mjs';
import { mountSysfs } from '../machine.mjs';
import { fixNeighbours, pods, removeVeths, switchOffloadsOff } from '../pods.mjs';
import { run } from '../process.mjs';
import { spread } from '../spreader.mjs';

const view = new URL('../../../dist/src/dataplane/view.js', import.meta.url);

const instance = `bench-${process.pid}`;
let agent = null;

const side = ({ netns, address, mac }) => `name:${netns},name=eth0,address=${address}/24,mac=${mac}`;

/** Makes the wire and returns it as the command line tells it. */
async function add(connection, datapath, more) {
  agent ??= await startAgent(instance);
  const sides = ['--left', side(pods.left), '--right', side(pods.right)];
  const how = ['--connection', connection, '--datapath', datapath, ...more];
  const told = await run(vwire(instance, ['wire', 'add'], [...sides, ...how, '--json']));
  await fixNeighbours();
  return JSON.parse(told);
}

async function remove(connection) {
  try {
    await run(vwire(instance, ['wire', 'rm'], [connection]));
  } finally {
    await removeVeths();
  }
}

const wire = (datapath, remark, more = []) => {
  const connection = `bench-${datapath}`;
  return {
    name: `vwire-${datapath}`,
    remark,
    unavailable,
    up: async () => {
      await add(connection, datapath, more);
      if (more.length > 0) await switchOffloadsOff();
    },
    said: () => (agent === null || agent.alive() ? null : agent.said()),
    down: () => remove(connection),
  };
};

export const vwireTcx = wire('tcx', 'a wire, counters on, tcx');
export const vwireClsact = wire('clsact', 'a wire, counters on, clsact');
export const vwireXdp = wire('xdp', "a wire, counters on, native XDP, pods' tx offloads off", [
  '--accept-no-offload',
]);

let spreading = null;

/** The experiment: ours, with receive work moved to another CPU while that helps. */
export const vwireSpread = {
  name: 'vwire-spread',
  remark: 'a wire, counters on, clsact, receive work moved to an idle CPU while more gets through (RPS)',
  unavailable,
  up: async () => {
    const { id, left, right } = await add('bench-spread', 'clsact', []);
    const { View } = await import(view);
    const counters = View.openPinned('/sys/fs/bpf', instance);
    const forwarded = () => {
      const { leftToRight, rightToLeft } = counters.forwarded(id);
      return [leftToRight, rightToLeft];
    };
    const spreader = spread([left.host.name, right.host.name], forwarded, await mountSysfs());
    spreading = {
      stop: () => {
        const decisions = spreader.stop();
        counters.close();
        return decisions;
      },
    };
  },
  down: async () => {
    const decisions = spreading?.stop() ?? [];
    spreading = null;
    if (process.env.VWIRE_SPREAD_LOG) console.error(JSON.stringify(decisions));
    await remove('bench-spread');
  },
};

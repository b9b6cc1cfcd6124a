// The product, as its users drive it: an agent of its own instance, wires by the command line. The agent
// starts with the first wire and stays; between measurements it is idle.
import { startAgent, unavailable, vwire } from '../agent.mjs';
import { fixNeighbours, pods, removeVeths, switchOffloadsOff } from '../pods.mjs';
import { run } from '../process.mjs';

const instance = `bench-${process.pid}`;
let agent = null;

const side = ({ netns, address, mac }) => `name:${netns},name=eth0,address=${address}/24,mac=${mac}`;

const wire = (datapath, remark, more = []) => {
  const connection = `bench-${datapath}`;
  return {
    name: `vwire-${datapath}`,
    remark,
    unavailable,
    up: async () => {
      agent ??= await startAgent(instance);
      const sides = ['--left', side(pods.left), '--right', side(pods.right)];
      const how = ['--connection', connection, '--datapath', datapath, ...more];
      await run(vwire(instance, ['wire', 'add'], [...sides, ...how]));
      await fixNeighbours();
      if (more.length > 0) await switchOffloadsOff();
    },
    said: () => (agent === null || agent.alive() ? null : agent.said()),
    down: async () => {
      try {
        await run(vwire(instance, ['wire', 'rm'], [connection]));
      } finally {
        await removeVeths();
      }
    },
  };
};

export const vwireTcx = wire('tcx', 'a wire, counters on, tcx');
export const vwireClsact = wire('clsact', 'a wire, counters on, clsact');
export const vwireXdp = wire('xdp', "a wire, counters on, native XDP, pods' tx offloads off", [
  '--accept-no-offload',
]);

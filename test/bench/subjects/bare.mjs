// The limit: one veth pair, an end in each pod, nothing in between. Every ratio is against this one.
import { bringUp, pods, removeVeths } from '../pods.mjs';
import { run } from '../process.mjs';

const { left, right } = pods;

export default {
  name: 'bare',
  remark: 'one veth pair, kernel defaults',
  unavailable: () => null,
  up: async () => {
    const far = ['peer', 'name', 'eth0', 'address', right.mac, 'netns', right.netns];
    const near = ['name', 'eth0', 'address', left.mac, 'netns', left.netns];
    await run(['ip', 'link', 'add', ...near, 'type', 'veth', ...far]);
    await bringUp();
  },
  down: removeVeths,
};

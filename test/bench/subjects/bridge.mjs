// What most nodes have today: two veth pairs in a kernel bridge.
import { makeVeths, pods, removeVeths } from '../pods.mjs';
import { run } from '../process.mjs';

export default {
  name: 'bridge',
  remark: 'two veth pairs in a Linux bridge, no STP',
  unavailable: () => null,
  up: async () => {
    await makeVeths();
    await run(['ip', 'link', 'add', 'br0', 'type', 'bridge']);
    for (const { host } of Object.values(pods)) await run(['ip', 'link', 'set', host, 'master', 'br0']);
    await run(['ip', 'link', 'set', 'br0', 'up']);
  },
  down: async () => {
    await removeVeths();
    await run(['ip', 'link', 'del', 'br0']);
  },
};

// Our own AF_PACKET forwarder (loader/relay): what user space costs at its simplest.
import { makeVeths, pods, removeVeths } from '../pods.mjs';
import { start } from '../process.mjs';
import { bin } from '../traffic.mjs';

let forwarder = null;

export default {
  name: 'af-packet',
  remark: 'packet-forward: AF_PACKET ring in, sendmmsg out, GSO packets whole',
  unavailable: () => null,
  up: async () => {
    await makeVeths();
    forwarder = start([bin('packet-forward'), pods.left.host, pods.right.host]);
    await forwarder.ready();
  },
  down: async () => {
    await forwarder?.stop();
    forwarder = null;
    await removeVeths();
  },
};

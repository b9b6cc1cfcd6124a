// A bare pair with the GSO and GRO sizes a wire sets: what of a wire's TCP figure comes from them alone.
import { existsSync } from 'node:fs';
import { bringUp, pods, removeVeths } from '../pods.mjs';

const device = new URL('../../../dist/src/net/device.js', import.meta.url);
const netns = new URL('../../../dist/src/net/netns.js', import.meta.url);
const socket = new URL('../../../dist/src/net/socket.js', import.meta.url);
const within = new URL('../../../dist/src/net/within.js', import.meta.url);

export const gsoMaxSize = 196608;
const sizes = { gso: gsoMaxSize, gro: gsoMaxSize, gsoIpv4: gsoMaxSize, groIpv4: gsoMaxSize };
const { left, right } = pods;

export default {
  name: 'bare-gso',
  remark: `one veth pair, GSO and GRO up to ${gsoMaxSize} bytes for IPv6 and IPv4`,
  unavailable: () => (existsSync(device) ? null : 'the product is not built: run `npm run build`'),
  up: async () => {
    const [{ createVeth }, { openNetns, withHandle }, { NetlinkSocket }, { within: inside }] =
      await Promise.all([import(device), import(netns), import(socket), import(within)]);
    const named = (pod) => openNetns({ kind: 'name', name: pod.netns });
    withHandle(named(right), (far) =>
      withHandle(named(left), (near) => {
        const opened = inside(near, () => NetlinkSocket.open());
        try {
          createVeth(opened, {
            name: 'eth0',
            mac: left.mac,
            mtu: 1500,
            group: 0,
            gso: sizes,
            peer: { name: 'eth0', mac: right.mac, mtu: 1500, netnsFd: far.fd },
          });
        } finally {
          opened.close();
        }
      }),
    );
    await bringUp();
  },
  down: removeVeths,
};

// The two pods every subject joins: namespaces `left` and `right`, each with an `eth0` of fixed address and
// MAC, neighbours permanent, so that no measurement contains an ARP exchange.
import { writeFileSync } from 'node:fs';
import { run } from './process.mjs';

export const pods = {
  left: { netns: 'left', mac: '02:00:00:00:77:01', address: '10.77.0.1', host: 'h-left', ifindex: 1000 },
  right: { netns: 'right', mac: '02:00:00:00:77:02', address: '10.77.0.2', host: 'h-right', ifindex: 1001 },
};
const both = [pods.left, pods.right];
const other = (pod) => (pod === pods.left ? pods.right : pods.left);

const ip = (line, netns = null) => run(['ip', ...(netns === null ? [] : ['-n', netns]), ...line.split(' ')]);

/** Host ends are silent: no ARP, no address, no IPv6 of the node's own. */
export async function makePods() {
  await run(['sysctl', '-qw', 'net.ipv6.conf.default.disable_ipv6=1']);
  for (const { netns } of both) {
    await ip(`netns add ${netns}`);
    await run(['sysctl', '-qw', 'net.ipv6.conf.default.disable_ipv6=1'], netns);
  }
}

/** Brings the pods' `eth0` up with its address and its neighbour. */
export async function bringUp() {
  for (const pod of both) {
    await ip(`link set eth0 up`, pod.netns);
    await ip(`address replace ${pod.address}/24 dev eth0`, pod.netns);
    await fixNeighbour(pod);
  }
}

async function fixNeighbour(pod) {
  const { address, mac } = other(pod);
  await ip(`neigh replace ${address} lladdr ${mac} nud permanent dev eth0`, pod.netns);
}

export const fixNeighbours = () => Promise.all(both.map(fixNeighbour));

/** One veth pair per pod, the host end here, with the ifindex that redirect.bpf.c counts on. */
export async function makeVeths() {
  for (const { netns, mac, host, ifindex } of both) {
    await ip(
      `link add ${host} index ${ifindex} arp off type veth peer name eth0 address ${mac} netns ${netns}`,
    );
    await ip(`link set ${host} up`);
  }
  await bringUp();
}

const idleGroup = '7';

/** Pairs of devices that carry nothing, here. */
export async function makeIdle(pairs) {
  const queues = 'numtxqueues 1 numrxqueues 1';
  const line = (i) =>
    `link add idle${i} index ${10_000_000 + i} group ${idleGroup} ${queues} type veth peer name elid${i} ${queues}`;
  const file = '/run/idle-devices';
  writeFileSync(file, `${Array.from({ length: pairs }, (_, i) => line(i)).join('\n')}\n`);
  await run(['ip', '-batch', file]);
}

export const removeIdle = () => ip(`link del group ${idleGroup}`);

/** Removing a pod's eth0 removes its other end, wherever that is. */
export async function removeVeths() {
  for (const { netns } of both) {
    const found = await ip('-j link show', netns);
    if (JSON.parse(found).some(({ ifname }) => ifname === 'eth0')) await ip('link del eth0', netns);
  }
}

/**
 * For what carries plain frames only: checksums are filled in and segments cut before they leave the pod.
 * Subjects that need it say so in their `remark`.
 */
export async function switchOffloadsOff() {
  for (const { netns } of both) await run(['ethtool', '-K', 'eth0', 'tx', 'off', 'tso', 'off'], netns);
}

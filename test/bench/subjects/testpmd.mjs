// DPDK's own forwarder over the kernel's devices. It carries plain frames, so the pods' offloads go off; it
// polls, so it runs only while it is measured. Two lcores float over both CPUs: one forwards, one is idle.
import { execFileSync } from 'node:child_process';
import { makeVeths, pods, removeVeths, switchOffloadsOff } from '../pods.mjs';
import { start } from '../process.mjs';

// --no-shconf: no file under /run; 16,384 buffers of 2 KiB fit into the 256 MB that are no huge pages.
const eal = ['--no-huge', '-m', '256', '--no-pci', '--no-telemetry', '--no-shconf'];
const lcores = ['--lcores', '0@(0-1),1@(0-1)'];
const forwarding = ['--total-num-mbufs=16384', '--forward-mode=io', '--auto-start', '--no-flush-rx'];

function missing(driver) {
  const library = `librte_net_${driver}.so`;
  try {
    execFileSync('sh', ['-c', 'command -v dpdk-testpmd'], { stdio: 'ignore' });
  } catch {
    return "no 'dpdk-testpmd' here: install package dpdk-dev";
  }
  const known = execFileSync('ldconfig', ['-p'], { encoding: 'utf8' });
  return known.includes(library) ? null : `no '${library}' here: install DPDK's ${driver} driver`;
}

function testpmd(driver, name) {
  let forwarder = null;
  return {
    name,
    remark: `dpdk-testpmd io over two net_${driver}, pods' tx offloads off`,
    unavailable: () => missing(driver),
    up: async () => {
      await makeVeths();
      await switchOffloadsOff();
      const devices = [pods.left, pods.right].flatMap(({ host }, i) => [
        '--vdev',
        `net_${driver}${i},iface=${host}`,
      ]);
      forwarder = start(['dpdk-testpmd', ...eal, ...lcores, ...devices, '--', ...forwarding]);
    },
    /** Asked when the path does not come up. */
    said: () => (forwarder === null || forwarder.alive() ? null : forwarder.said()),
    down: async () => {
      await forwarder?.stop();
      forwarder = null;
      await removeVeths();
    },
  };
}

export const testpmdPacket = testpmd('af_packet', 'testpmd-af-packet');
export const testpmdXdp = testpmd('af_xdp', 'testpmd-af-xdp');

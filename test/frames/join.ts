import { glink } from '../../src/net/ethtool.ts';
import { randomBytes } from 'node:crypto';
import { Dataplane } from '../../src/dataplane/dataplane.ts';
import type { Joined } from '../../src/dataplane/joined.ts';
import type { Datapath } from '../../src/dataplane/datapath.ts';
import { farSide, sides, type Port, type Side } from '../../src/dataplane/port.ts';
import { View } from '../../src/dataplane/view.ts';
import { openNetns, withHandle } from '../../src/net/netns.ts';
import { NetlinkSocket } from '../../src/net/socket.ts';
import { within } from '../../src/net/within.ts';
import { macOf } from '../bpf/frame.ts';
import { Pods, run } from '../pods.ts';
import type { Place } from './frames.ts';

const bySide = <T>(make: (side: Side) => T): Record<Side, T> => ({
  left: make('left'),
  right: make('right'),
});

/** In the namespace of the calling thread. */
function askCarrier(device: string): void {
  const socket = NetlinkSocket.open();
  try {
    glink(socket, device);
  } finally {
    socket.close();
  }
}

/**
 * Two pods joined by the dataplane alone, devices made by ip(8): no agent mends what a test breaks.
 * Devices are up. Close it.
 */
export class Join {
  readonly pods = new Pods();
  readonly macs = { left: '02:00:00:00:00:01', right: '02:00:00:00:00:02' };
  readonly names = { left: this.pods.make('l'), right: this.pods.make('r') };
  readonly #mark = randomBytes(3).toString('hex');
  /** Names of the host ends. */
  readonly hosts = { left: `hl${this.#mark}`, right: `hr${this.#mark}` };
  readonly #instance = `join${this.#mark}`;
  readonly dataplane = Dataplane.open({ bpffs: '/sys/fs/bpf', instance: this.#instance, maxWires: 16 });
  readonly view = new View(this.dataplane.tables);
  readonly wire: Joined;

  constructor(datapath: Datapath) {
    this.wire = { id: this.dataplane.allocateWire(), ...bySide((side) => this.#makePort(side)), datapath };
    this.dataplane.wire(this.wire, (side, act) => {
      within({ kind: 'name', name: this.names[side] }, act);
    });
    this.up();
  }

  #makePort(side: Side): Port {
    const [host, pod] = [this.hosts[side], this.names[side]];
    const link = `${host} address ${this.macs[farSide(side)]} type veth peer name p0 address ${this.macs[side]} netns ${pod}`;
    run('ip', 'link', 'add', ...link.split(' '));
    run('sysctl', '-qw', `net.ipv6.conf.${host}.disable_ipv6=1`);
    this.pods.exec(pod, 'sysctl', '-qw', 'net.ipv6.conf.p0.disable_ipv6=1');
    const netns = withHandle(openNetns({ kind: 'name', name: pod }), ({ dev, inode }) => ({ dev, inode }));
    return {
      kind: 'veth',
      ifindex: ifindexOf(host, null),
      name: host,
      mac: macOf(this.macs[side]),
      made: true,
      pod: { netns, ifindex: ifindexOf('p0', pod), own: false },
    };
  }

  /** Where frames of a side are sent and captured. */
  at(side: Side): Place {
    return { pod: this.names[side], device: 'p0' };
  }

  setHost(side: Side, ...what: string[]): void {
    run('ip', 'link', 'set', this.hosts[side], ...what);
  }

  setPod(side: Side, ...what: string[]): void {
    run('ip', '-n', this.names[side], 'link', 'set', 'p0', ...what);
  }

  /** Up, and asked for the carrier: until the kernel has settled that, a device drops what it is given. */
  up(): void {
    for (const side of sides) this.setPod(side, 'up');
    for (const side of sides) this.setHost(side, 'up');
    for (const side of sides) {
      askCarrier(this.hosts[side]);
      within({ kind: 'name', name: this.names[side] }, () => {
        askCarrier('p0');
      });
    }
  }

  close(): void {
    this.dataplane.close();
    for (const host of Object.values(this.hosts)) run('ip', 'link', 'del', host);
    run('rm', '-rf', `/sys/fs/bpf/vwire/${this.#instance}`);
    this.pods.close();
  }
}

/** By ip(8), since the sandbox sees the /sys of the namespace it came from. */
export function ifindexOf(name: string, pod: string | null): number {
  const where = pod === null ? [] : ['-n', pod];
  const [shown] = JSON.parse(run('ip', ...where, '-j', 'link', 'show', name)) as [{ ifindex: number }];
  return shown.ifindex;
}

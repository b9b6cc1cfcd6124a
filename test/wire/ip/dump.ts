import type { ChildProcess } from 'node:child_process';
import { eventually, type Pods, run } from '../../pods.ts';

const read = (pod: string, ...args: string[]): unknown[] =>
  JSON.parse(run('ip', '-n', pod, '-j', ...args) || '[]') as unknown[];

/** All that IP knows in a pod, as iproute2 tells it. */
export interface Dump {
  addresses: unknown[];
  routes: unknown[];
  rules: unknown[];
  /** Those that somebody put there. */
  neighbors: unknown[];
}

export const dump = (pod: string): Dump => ({
  addresses: read(pod, 'addr', 'show'),
  routes: ['-4', '-6'].flatMap((family) => read(pod, family, '-d', 'route', 'show', 'table', 'all')),
  rules: ['-4', '-6'].flatMap((family) => read(pod, family, 'rule', 'show')),
  // The kernel lists them by a hash that no two boots have the same.
  neighbors: read(pod, 'neigh', 'show', 'nud', 'permanent').sort((a, b) =>
    JSON.stringify(a) < JSON.stringify(b) ? -1 : 1,
  ),
});

export interface IpRoute {
  dst: string;
  dev?: string;
  gateway?: string;
  protocol?: string;
  scope?: string;
  flags?: string[];
  table?: string;
}

/** Routes of one table ('main' or a number) over a device, both families. */
export const routes = (pod: string, table: string, device: string): IpRoute[] =>
  ['-4', '-6']
    .flatMap((family) => read(pod, family, 'route', 'show', 'table', 'all', 'dev', device) as IpRoute[])
    .filter((route) => (route.table ?? 'main') === table);

export interface IpRule {
  priority: number;
  src: string;
  srclen?: number;
  ipproto?: string;
  sport?: number;
  dport?: number;
  dport_start?: number;
  dport_end?: number;
  table: string;
}

/** Rules that are not the kernel's own three. */
export const rules = (pod: string, family: 4 | 6): IpRule[] =>
  (read(pod, `-${family}`, 'rule', 'show') as IpRule[]).filter(
    ({ table }) => !['local', 'main', 'default'].includes(table),
  );

/** Addresses of an interface without those the kernel makes by itself, as CIDRs. */
export function addresses(pod: string, device: string): string[] {
  const [shown] = read(pod, 'addr', 'show', 'dev', device) as {
    addr_info: { local: string; prefixlen: number; scope: string }[];
  }[];
  return (shown?.addr_info ?? [])
    .filter(({ scope }) => scope !== 'link')
    .map(({ local, prefixlen }) => `${local}/${prefixlen}`);
}

export interface IpNeighbor {
  dst: string;
  lladdr: string;
  state: string[];
}

export const neighbors = (pod: string, device: string): IpNeighbor[] =>
  read(pod, 'neigh', 'show', 'dev', device, 'nud', 'permanent') as IpNeighbor[];

/** Where a packet would go: the interface, the gateway and the table. */
export function wayOf(pod: string, ...packet: string[]): { dev: string; gateway?: string; table?: string } {
  const [way] = read(pod, 'route', 'get', ...packet) as { dev: string; gateway?: string; table?: string }[];
  if (way === undefined) throw new Error(`No way for ${packet.join(' ')}`);
  return way;
}

/** Hears every notification of a pod's addresses, routes, rules, neighbours and devices. */
export class Ears {
  readonly #pod: string;
  readonly #child: ChildProcess;
  #heard = '';
  #marks = 0;

  private constructor(pods: Pods, pod: string) {
    this.#pod = pod;
    this.#child = pods.spawn(pod, 'ip', '-o', 'monitor', 'address', 'link', 'neigh', 'route', 'rule');
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#heard += text));
  }

  /** Settles when it hears. */
  static async open(pods: Pods, pod: string): Promise<Ears> {
    const ears = new Ears(pods, pod);
    await ears.#mark();
    return ears;
  }

  /** What was heard since the last call, without the marks that show how far it has heard. */
  async heard(): Promise<string[]> {
    await this.#mark();
    const lines = this.#heard
      .split('\n')
      .filter((line) => line.trim() !== '' && !line.includes('203.0.113.'));
    this.#heard = '';
    return lines;
  }

  close(): void {
    this.#child.kill('SIGKILL');
  }

  /** A notification of our own: what came before it has been heard when it is. */
  async #mark(): Promise<void> {
    const address = `203.0.113.${(this.#marks = (this.#marks + 1) % 250)}`;
    await eventually(() => {
      run('ip', '-n', this.#pod, 'addr', 'add', `${address}/32`, 'dev', 'lo');
      run('ip', '-n', this.#pod, 'addr', 'del', `${address}/32`, 'dev', 'lo');
      if (!this.#heard.includes(address)) throw new Error(`Not heard yet in ${this.#pod}`);
    });
  }
}

import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { missingTcx } from '../../loader/features.ts';
import { queryTcx } from '../../loader/link/tcx.ts';
import { run } from '../pods.ts';

/** What `ip -j -d link` tells of a device. */
export interface IpLink {
  ifindex: number;
  ifname: string;
  mtu: number;
  address: string;
  flags: string[];
  operstate: string;
  group: string;
  link_index?: number;
  ifalias?: string;
  gso_max_size?: number;
  gro_max_size?: number;
}

/** Devices of a namespace, by iproute2; null is the agent's own. */
export function links(pod: string | null = null): IpLink[] {
  const where = pod === null ? [] : ['-n', pod];
  return JSON.parse(run('ip', ...where, '-j', '-d', 'link', 'show')) as IpLink[];
}

export function link(pod: string | null, name: string): IpLink {
  const found = links(pod).find((l) => l.ifname === name);
  if (!found) throw new Error(`There is no ${name} in ${pod ?? "the agent's namespace"}`);
  return found;
}

/** What runs at a device of the agent's namespace, as ip, tc and the kernel's own list tell: 'clsact', 'tcx', 'xdp'. */
export function attached(name: string): string {
  const xdp = run('ip', '-d', 'link', 'show', name).includes('prog/xdp');
  const clsact = run('tc', 'filter', 'show', 'dev', name, 'ingress').includes('vwire_tc');
  // iproute2 and bpftool of this age know no tcx.
  const tcx = missingTcx() === null && queryTcx(link(null, name).ifindex, 'ingress').entries.length > 0;
  const found = { xdp, tcx, clsact };
  return Object.entries(found)
    .flatMap(([kind, runs]) => (runs ? [kind] : []))
    .join(' ');
}

/** Everything an instance has in the kernel and on disk, as independent readers tell it. */
export interface Held {
  devices: string[];
  files: string[];
  links: string[];
  hops: number;
  counters: number;
  drops: number;
  watched: number;
}

export const nothing: Held = {
  devices: [],
  files: [],
  links: [],
  hops: 0,
  counters: 0,
  drops: 0,
  watched: 0,
};

const list = (directory: string): string[] => (existsSync(directory) ? readdirSync(directory).sort() : []);

export class Inventory {
  readonly pins: string;
  readonly stateDirectory: string;
  readonly #prefix: string;
  readonly #mark: string;

  constructor(bpffs: string, runDir: string, instance: string) {
    this.pins = join(bpffs, 'vwire', instance, 'v1');
    this.stateDirectory = join(runDir, instance, 'state', 'wires');
    this.#prefix = `vw${createHash('sha256').update(instance).digest('hex').slice(0, 4)}`;
    this.#mark = `vwire:${instance}:`;
  }

  /** Devices of this instance in the agent's namespace. */
  devices(): IpLink[] {
    return links().filter(
      (l) => l.ifname.startsWith(this.#prefix) || l.ifalias?.startsWith(this.#mark) === true,
    );
  }

  /** Entries of a map as bpftool prints them; none while it does not exist. */
  entries(map: string): { key: unknown; value?: unknown; formatted?: { key: unknown; value: unknown } }[] {
    const path = join(this.pins, 'maps', map);
    if (!existsSync(path)) return [];
    return JSON.parse(run('bpftool', '-j', 'map', 'dump', 'pinned', path)) as {
      key: unknown;
    }[];
  }

  held(): Held {
    return {
      devices: this.devices()
        .map((l) => l.ifname)
        .sort(),
      files: list(this.stateDirectory),
      links: list(join(this.pins, 'links')).filter((name) => name !== 'lost'),
      hops: this.entries('hops').length,
      counters: this.entries('counters').length,
      drops: this.entries('drops').length,
      watched: this.entries('watched').length,
    };
  }
}

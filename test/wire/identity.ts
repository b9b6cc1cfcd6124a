import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { missingTcx } from '../../loader/features.ts';
import { queryTcx } from '../../loader/link/tcx.ts';
import type { WireItem } from '../../src/features/wire/api.ts';
import type { WireRecord } from '../../src/state/wire-record.ts';
import { run } from '../pods.ts';
import { link, type Inventory } from './inventory.ts';

interface IpXdp {
  xdp?: { prog?: { id: number } };
}
interface TcFilter {
  options?: { prog?: { id: number } };
}

/** Ids of the programs that run at a device of the agent's namespace, by how they are attached. */
export function programsAt(name: string): Record<'xdp' | 'tcx' | 'clsact', number[]> {
  const [device] = JSON.parse(run('ip', '-j', '-d', 'link', 'show', name)) as IpXdp[];
  const filters = JSON.parse(run('tc', '-j', 'filter', 'show', 'dev', name, 'ingress') || '[]') as TcFilter[];
  const chain = missingTcx() === null ? queryTcx(link(null, name).ifindex, 'ingress').entries : [];
  return {
    xdp: device?.xdp?.prog === undefined ? [] : [device.xdp.prog.id],
    tcx: chain.map(({ programId }) => programId),
    clsact: filters.flatMap(({ options }) => (options?.prog === undefined ? [] : [options.prog.id])),
  };
}

/** Ids of everything pinned, by path below the instance's directory, as bpftool tells them. */
export function pinnedIds(inventory: Inventory): Record<string, number> {
  const ids: Record<string, number> = {};
  for (const [directory, kind] of [
    ['maps', 'map'],
    ['programs', 'prog'],
    ['links', 'link'],
  ] as const)
    for (const name of readdirSync(join(inventory.pins, directory))) {
      const shown = run('bpftool', '-j', kind, 'show', 'pinned', join(inventory.pins, directory, name));
      ids[`${directory}/${name}`] = (JSON.parse(shown) as { id: number }).id;
    }
  return ids;
}

/** What must not change when an agent takes over from another one. */
export interface Identity {
  pinned: Record<string, number>;
  programs: Record<string, ReturnType<typeof programsAt>>;
  ifindexes: Record<string, number>;
}

export function identityOf(inventory: Inventory, wires: readonly WireItem[]): Identity {
  const identity: Identity = { pinned: pinnedIds(inventory), programs: {}, ifindexes: {} };
  for (const { host } of wires.flatMap(({ left, right }) => [left, right])) {
    identity.programs[host.name] = programsAt(host.name);
    identity.ifindexes[host.name] = link(null, host.name).ifindex;
  }
  return identity;
}

const fileOf = (inventory: Inventory, id: number): string => join(inventory.stateDirectory, `${id}.json`);

/** Rewrites what an agent that is not running meant with a wire. */
export function editRecord(inventory: Inventory, id: number, edit: (record: WireRecord) => void): void {
  const record = JSON.parse(readFileSync(fileOf(inventory, id), 'utf8')) as WireRecord;
  edit(record);
  writeFileSync(fileOf(inventory, id), JSON.stringify(record));
}

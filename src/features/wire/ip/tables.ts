import type { Family } from '../../../net/ip.ts';
import { listRoutes } from '../../../net/routes.ts';
import { listRules } from '../../../net/rule.ts';
import type { NetlinkSocket } from '../../../net/socket.ts';
import type { PolicyRecord } from '../../../state/wire-record.ts';
import type { Within } from './plan.ts';
import type { Beside } from '../ends.ts';
import { policyKey, type PolicyParsed } from './parse.ts';

const families: readonly Family[] = [4, 6];
/** default, main and local, which the kernel makes when it first needs them. */
const KERNELS = [253, 254, 255];

/** The first tables from 1 up that no rule, no route and none of `reserved` refers to. */
function freeTables(socket: NetlinkSocket, count: number, reserved: ReadonlySet<number>): number[] {
  const named = families.flatMap((family) => listRules(socket, family).map(({ table }) => table));
  const taken = new Set([...reserved, ...named, ...KERNELS]);
  const free: number[] = [];
  for (let table = 1; free.length < count; table++) {
    if (taken.has(table)) continue;
    // A question for each, since the list of all tables is as long as the pod is busy.
    if (families.every((family) => listRoutes(socket, family, table).length === 0)) free.push(table);
  }
  return free;
}

/** Gives each policy a table: the one it had, or a free one. */
export function assignTables(
  within: Within,
  policies: readonly PolicyParsed[],
  had: readonly PolicyRecord[],
  beside: Beside,
): PolicyRecord[] {
  const tables = new Map(had.map((policy) => [policyKey(policy), policy.table]));
  const fresh = policies.filter((policy) => !tables.has(policyKey(policy)));
  if (fresh.length > 0) {
    const free = within((socket) => freeTables(socket, fresh.length, beside.tables()));
    fresh.forEach((policy, i) => tables.set(policyKey(policy), free[i] ?? 0));
  }
  return policies.map((policy) => ({ ...policy, table: tables.get(policyKey(policy)) ?? 0 }));
}

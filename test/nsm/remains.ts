import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Agent } from '../../src/agent.ts';
import { run } from '../pods.ts';
import { type Held, nothing } from '../wire/inventory.ts';
import type { Node } from '../wire/node.ts';

/** What connections may have left anywhere. */
export interface Remains {
  held: Held;
  /** State files of connections. */
  connections: string[];
  /** Devices, and rules that pods do not have by themselves. */
  pods: string[];
}

// One process for all of them: starting one takes longer than what it does.
const looking = 'for pod; do ip -n "$pod" -o link; ip -n "$pod" -4 rule; ip -n "$pod" -6 rule; done';
/** lo, and the rules of a namespace that has none of its own. */
const bare =
  /^(1: lo: .*|0:\s+from all lookup local|32766:\s+from all lookup main|32767:\s+from all lookup default|)\s*$/;

/** What there is, by readers that are not ours. */
export const remains = (
  { inventory, runDir, instance }: Pick<Node, 'inventory' | 'runDir' | 'instance'>,
  pods: readonly string[],
): Remains => ({
  held: inventory.held(),
  connections: readdirSync(join(runDir, instance, 'state', 'connections')),
  pods: run('sh', '-c', looking, 'sh', ...pods)
    .split('\n')
    .filter((line) => !bare.test(line)),
});

export const nothingRemains: Remains = { held: nothing, connections: [], pods: [] };

/** What the agent says there is. */
export const known = ({ connections, wires, endpoints }: Agent): Record<string, unknown> => ({
  connections: connections?.list() ?? [],
  wires: wires.list(),
  addresses: endpoints?.list().flatMap(({ pools }) => pools.map(({ used }) => used)) ?? [],
});

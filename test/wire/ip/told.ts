import type { Agent } from '../../../src/agent.ts';
import type { IpSpec, PolicySpec, WireItem } from '../../../src/features/wire/api.ts';
import type { Pods } from '../../pods.ts';
import { end, wireSpec } from '../node.ts';
import { Ears } from './dump.ts';
import { podWithEth0 } from './pod.ts';

export const policy = (dport: string, more: Partial<PolicySpec> = {}): PolicySpec => ({
  from: null,
  ipProto: '6',
  sport: null,
  dport,
  routes: [],
  ...more,
});

/** Something of every kind that a side can be told. */
export const first: IpSpec = {
  addresses: ['10.0.0.1/24', '2001:db8::1/64'],
  routes: [
    { prefix: '172.16.0.0/16', via: '10.0.0.2' },
    { prefix: '2001:db8:1::/48', via: '2001:db8::2' },
  ],
  neighbors: [{ address: '10.0.0.2', mac: '02:00:00:00:00:02' }],
  policies: [policy('80'), policy('81', { routes: [{ prefix: '172.17.0.0/16', via: '10.0.0.2' }] })],
};

export interface Told {
  client: string;
  service: string;
  wire: WireItem;
  /** Of the client's namespace, from when the wire stood. The caller closes them. */
  ears: Ears;
}

/** A wire whose client's side was told `first`, between two new pods. */
export async function tellFirst(pods: Pods, agent: Agent, number: number): Promise<Told> {
  const client = podWithEth0(pods, `client${number}`);
  const service = pods.make(`service${number}`);
  const wire = await agent.wires.add(
    wireSpec(
      { ...end(client), name: 'nsm-1', ...first },
      { ...end(service, '10.0.0.2/24', '2001:db8::2/64'), name: 'nsm-2', mac: '02:00:00:00:00:02' },
      { owner: 'connection' },
    ),
  );
  const ears = await Ears.open(pods, client);
  await ears.heard();
  return { client, service, wire, ears };
}

import type { ConnectionItem } from '../../src/features/connection/api.ts';
import type { WireItem } from '../../src/features/wire/api.ts';
import type { Explanation } from '../../src/cli/shell/sources.ts';
import { connectionOf } from './connections.ts';

/** A wire with something in every field, and a name that a terminal would obey. */
export const rich: WireItem = {
  id: 4294967295,
  connection: 'câble\u001b[31m\n"1"',
  service: 'my-service',
  owner: 'connection',
  state: 'down',
  since: '2025-12-31T01:00:06.000Z',
  mtu: 9000,
  left: {
    netns: 'name:client',
    name: 'eth7',
    ifindex: 3,
    mac: '02:00:00:00:00:01',
    host: { name: 'vwffffffffl', ifindex: 41 },
    addresses: ['10.0.0.1/24', 'fd00::1/64'],
  },
  right: {
    netns: 'pid:4711',
    name: 'vwire0',
    ifindex: 2,
    mac: '02:00:00:00:00:02',
    host: { name: 'vwffffffffr', ifindex: 42 },
    addresses: [],
  },
  hops: [
    {
      from: 'left',
      to: 'right',
      datapath: 'tcx',
      reason: 'frames that end in a pod keep their offloads',
      action: 'drop: port_down',
    },
    { from: 'right', to: 'left', datapath: 'clsact', reason: 'asked for', action: 'peer' },
  ],
  counters: {
    leftToRight: {
      packets: 18446744073709551615n,
      segments: 9007199254740993n,
      bytes: 12n,
      dropped: { no_hop: 3n, port_down: 9007199254740993n },
    },
    rightToLeft: { packets: 0n, segments: 0n, bytes: 0n, dropped: {} },
  },
};

/** What most wires look like. */
export const plain: WireItem = {
  ...rich,
  id: 7,
  connection: 'wire-7',
  service: null,
  owner: 'wire',
  state: 'open',
  since: '2026-01-02T04:05:06.000Z',
  mtu: 1500,
  hops: rich.hops.map((hop) => ({ ...hop, datapath: 'tcx', action: 'peer' })),
  counters: {
    leftToRight: { packets: 12n, segments: 34n, bytes: 5678n, dropped: {} },
    rightToLeft: { packets: 30n, segments: 30n, bytes: 9000n, dropped: {} },
  },
};

/** A connection that is up, and the wire it has. */
export const up: ConnectionItem = connectionOf('c1', {
  clientId: 'nsc-0',
  wire: 9,
  expires: '2026-01-02T04:15:06.000Z',
});
export const carrier: WireItem = {
  ...plain,
  id: 9,
  connection: 'c1',
  service: 'my-service',
  owner: 'connection',
};

/** One without a wire, whose client calls it by a number. */
export const healing: ConnectionItem = connectionOf('c2', {
  clientId: '7',
  state: 'healing',
  wire: null,
  errors: [{ at: '2026-01-02T04:00:00.000Z', message: "Endpoint 'my-endpoint' is gone" }],
});

export const story: Explanation = {
  connection: null,
  wire: rich,
  steps: [
    { title: "left pod 'name:client', interface 'eth7'", detail: 'up, carrier, mtu 9000', ok: true },
    { title: "right pod 'pid:4711', interface 'vwire0'", detail: 'the namespace has ended', ok: false },
  ],
  errors: [{ at: '2026-01-02T04:00:00.000Z', message: 'Namespace of process 4711 ended' }],
};

export const connectionStory: Explanation = {
  connection: { ...healing, wire: 9 },
  wire: carrier,
  steps: [
    { title: "request for service 'my-service', IP", detail: 'app=client; path: a -> b', ok: true },
    { title: "endpoint 'my-endpoint'", detail: 'the only endpoint; another is being asked', ok: false },
  ],
  errors: healing.errors.map(({ at, message }) => ({ at, message })),
};

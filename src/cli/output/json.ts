import type { CounterItem, PortItem, WireEvent, WireItem } from '../../features/wire/api.ts';
import type { Explanation, Finding } from '../shell/sources.ts';
import type { Complaint } from '../shell/exit.ts';

/** What every document of `--json` begins with. Fields are only ever added. */
const schema = 'vwire/v1';

/** An event as the agent sent it; a newer agent may send types this client does not know. */
export type AnyEvent = Omit<WireEvent, 'type'> & { type: string };

const portOf = ({ netns, name, ifindex, mac, host, addresses }: PortItem) => ({
  netns,
  name,
  ifindex,
  mac,
  host: { name: host.name, ifindex: host.ifindex },
  addresses,
});

/** 64-bit numbers are strings: a JSON reader may keep 53 bits of a number only. */
const countersOf = ({ packets, segments, bytes, dropped }: CounterItem) => ({
  packets: String(packets),
  segments: String(segments),
  bytes: String(bytes),
  dropped: Object.fromEntries(Object.entries(dropped).map(([reason, count]) => [reason, String(count)])),
});

const itemOf = (wire: WireItem) => ({
  id: wire.id,
  connection: wire.connection,
  service: wire.service,
  state: wire.state,
  since: wire.since,
  mtu: wire.mtu,
  left: portOf(wire.left),
  right: portOf(wire.right),
  hops: wire.hops.map(({ from, to, datapath, reason, action }) => ({ from, to, datapath, reason, action })),
  counters: {
    leftToRight: countersOf(wire.counters.leftToRight),
    rightToLeft: countersOf(wire.counters.rightToLeft),
  },
});

const line = (document: object): string => `${JSON.stringify(document)}\n`;

export const wireListJson = (wires: readonly WireItem[]): string =>
  line({ schema, kind: 'WireList', items: wires.map(itemOf) });

export const wireJson = (wire: WireItem): string => line({ schema, kind: 'Wire', ...itemOf(wire) });

export const removedJson = (name: string): string => line({ schema, kind: 'Removed', name });

export const explanationJson = ({ wire, steps, errors }: Explanation): string =>
  line({
    schema,
    kind: 'Explanation',
    wire: itemOf(wire),
    steps: steps.map(({ title, detail, ok }) => ({ title, detail, ok })),
    errors: errors.map(({ at, message }) => ({ at, message })),
  });

export const eventJson = ({ at, type, wire, connection, detail }: AnyEvent): string =>
  line({ schema, kind: 'Event', at, type, wire, connection, detail });

export const doctorJson = (findings: readonly Finding[]): string =>
  line({
    schema,
    kind: 'Doctor',
    items: findings.map(({ name, status, detail, remedy }) => ({ name, status, detail, remedy })),
  });

export const errorJson = ({ code, field, value, allowed, message }: Complaint): string =>
  line({ schema, kind: 'Error', code, field, value, allowed, message });

import { type MessageInitShape, create } from '@bufbuild/protobuf';
import type {
  CounterItem,
  Datapath as DatapathWord,
  HopItem,
  PortItem,
  WireItem,
  WireOwner as OwnerWord,
  WireState as StateWord,
} from '../../features/wire/api.ts';
import {
  type Counters,
  type CountersSchema,
  Datapath,
  type Hop,
  type HopSchema,
  type Port,
  type PortSchema,
  type Wire,
  WireOwner,
  WireSchema,
  WireState,
} from './vwire/v1/vwire_pb.ts';
import { orNull, present, wordOf } from './words.ts';

const states: Readonly<Record<StateWord, WireState>> = {
  opening: WireState.OPENING,
  open: WireState.OPEN,
  closing: WireState.CLOSING,
  down: WireState.DOWN,
  orphan: WireState.ORPHAN,
};

const owners: Readonly<Record<OwnerWord, WireOwner>> = {
  wire: WireOwner.WIRE,
  connection: WireOwner.CONNECTION,
};

const datapaths: Readonly<Record<DatapathWord, Datapath>> = {
  tcx: Datapath.TCX,
  clsact: Datapath.CLSACT,
  xdp: Datapath.XDP,
};

const portMessage = (port: PortItem): MessageInitShape<typeof PortSchema> => ({
  netns: port.netns,
  name: port.name,
  ifindex: port.ifindex,
  mac: port.mac,
  hostName: port.host.name,
  hostIfindex: port.host.ifindex,
  addresses: [...port.addresses],
});

const portItem = (port: Port): PortItem => ({
  netns: port.netns,
  name: port.name,
  ifindex: port.ifindex,
  mac: port.mac,
  host: { name: port.hostName, ifindex: port.hostIfindex },
  addresses: port.addresses,
});

const hopMessage = (hop: HopItem): MessageInitShape<typeof HopSchema> => ({
  from: hop.from,
  to: hop.to,
  datapath: datapaths[hop.datapath],
  reason: hop.reason,
  action: hop.action,
});

const hopItem = ({ from, to, datapath, reason, action }: Hop): HopItem => ({
  from,
  to,
  datapath: wordOf(datapaths, datapath, 'datapath'),
  reason,
  action,
});

const countersMessage = (counters: CounterItem): MessageInitShape<typeof CountersSchema> => ({
  packets: counters.packets,
  segments: counters.segments,
  bytes: counters.bytes,
  dropped: { ...counters.dropped },
});

const counterItem = ({ packets, segments, bytes, dropped }: Counters): CounterItem => ({
  packets,
  segments,
  bytes,
  dropped,
});

export const wireMessage = (wire: WireItem): Wire =>
  create(WireSchema, {
    id: wire.id,
    connection: wire.connection,
    service: wire.service ?? '',
    owner: owners[wire.owner],
    state: states[wire.state],
    since: wire.since,
    mtu: wire.mtu,
    left: portMessage(wire.left),
    right: portMessage(wire.right),
    hops: wire.hops.map(hopMessage),
    leftToRight: countersMessage(wire.counters.leftToRight),
    rightToLeft: countersMessage(wire.counters.rightToLeft),
  });

export const wireItem = (wire: Wire): WireItem => ({
  id: wire.id,
  connection: wire.connection,
  service: orNull(wire.service),
  owner: wordOf(owners, wire.owner, 'owner'),
  state: wordOf(states, wire.state, 'state'),
  since: wire.since,
  mtu: wire.mtu,
  left: portItem(present(wire.left, "a wire's left port")),
  right: portItem(present(wire.right, "a wire's right port")),
  hops: wire.hops.map(hopItem),
  counters: {
    leftToRight: counterItem(present(wire.leftToRight, "a wire's counters")),
    rightToLeft: counterItem(present(wire.rightToLeft, "a wire's counters")),
  },
});

import { create } from '@bufbuild/protobuf';
import { Failure } from '../../features/failure.ts';
import {
  type DatapathChoice,
  type SideSpec,
  type WireChange,
  type WireName as Name,
  type WireSpec,
  datapathChoices,
} from '../../features/wire/api.ts';
import {
  type AddWireRequest,
  AddWireRequestSchema,
  Datapath,
  type Side,
  type UpdateWireRequest,
  UpdateWireRequestSchema,
  type WireName,
  WireNameSchema,
} from './vwire/v1/vwire_pb.ts';
import { orNull } from './words.ts';

/** What this api takes of a side: the rest of its IP is for services to say. */
export type AskedSide = Pick<SideSpec, 'netns' | 'name' | 'mac' | 'addresses'>;
export type AskedWire = Omit<WireSpec, 'service' | 'owner' | 'left' | 'right'> & {
  left: AskedSide;
  right: AskedSide;
};
export type AskedChange = Pick<WireChange, 'mtu' | 'datapath'>;

const choices: Readonly<Record<DatapathChoice, Datapath>> = {
  auto: Datapath.AUTO,
  tcx: Datapath.TCX,
  clsact: Datapath.CLSACT,
  xdp: Datapath.XDP,
};

function choiceOf(value: Datapath): DatapathChoice {
  const choice = datapathChoices.find((known) => choices[known] === value);
  if (choice !== undefined) return choice;
  const allowed = datapathChoices.join(', ');
  throw new Failure('invalid', `Datapath ${value} is not known to this agent: allowed are ${allowed}`, {
    field: 'datapath',
    value: String(value),
    allowed,
  });
}

function sideSpec(side: Side | undefined, field: 'left' | 'right'): SideSpec {
  if (side === undefined) throw new Failure('invalid', `The ${field} side is missing`, { field });
  return {
    netns: side.netns,
    identity: null,
    name: orNull(side.name),
    mac: orNull(side.mac),
    addresses: side.addresses,
    routes: [],
    neighbors: [],
    policies: [],
  };
}

const sideMessage = ({ netns, name, mac, addresses }: AskedSide) => ({
  netns,
  name: name ?? '',
  mac: mac ?? '',
  addresses: [...addresses],
});

export const specOf = (request: AddWireRequest): WireSpec => ({
  connection: orNull(request.connection),
  service: null,
  owner: 'wire',
  left: sideSpec(request.left, 'left'),
  right: sideSpec(request.right, 'right'),
  mtu: request.mtu === 0 ? null : request.mtu,
  datapath: choiceOf(request.datapath),
  acceptNoOffload: request.acceptNoOffload,
});

export function addRequest(spec: AskedWire): AddWireRequest {
  // On the wire 0 says nothing, so it would become the default without a word.
  if (spec.mtu === 0)
    throw new Failure('invalid', 'An MTU of 0 is too small: allowed is 68 and more', {
      field: 'mtu',
      value: '0',
      allowed: '68 and more',
    });
  return create(AddWireRequestSchema, {
    connection: spec.connection ?? '',
    left: sideMessage(spec.left),
    right: sideMessage(spec.right),
    mtu: spec.mtu ?? 0,
    datapath: choices[spec.datapath],
    acceptNoOffload: spec.acceptNoOffload,
  });
}

export function nameOf(wire: WireName | undefined): Name {
  switch (wire?.name.case) {
    case 'id':
      return { id: wire.name.value };
    case 'connection':
      return { connection: wire.name.value };
    case undefined:
      throw new Failure('invalid', 'The request names no wire', {
        field: 'wire',
        allowed: 'an id or a connection',
      });
  }
}

export const nameMessage = (name: Name): WireName =>
  create(WireNameSchema, {
    name: 'id' in name ? { case: 'id', value: name.id } : { case: 'connection', value: name.connection },
  });

export function changeOf(request: UpdateWireRequest): WireChange {
  const { mtu, datapath } = request;
  if (mtu === undefined && datapath === undefined)
    throw new Failure('invalid', 'The request changes nothing: give mtu or datapath', {
      allowed: 'mtu, datapath',
    });
  return {
    mtu: mtu ?? null,
    datapath: datapath === undefined ? null : choiceOf(datapath),
    left: null,
    right: null,
  };
}

export const updateRequest = (name: Name, { mtu, datapath }: AskedChange): UpdateWireRequest =>
  create(UpdateWireRequestSchema, {
    wire: nameMessage(name),
    ...(mtu !== null && { mtu }),
    ...(datapath !== null && { datapath: choices[datapath] }),
  });

import { type MessageInitShape, create } from '@bufbuild/protobuf';
import type {
  ConnectionItem,
  ConnectionSideItem,
  ConnectionState as StateWord,
} from '../../features/connection/api.ts';
import {
  type Connection,
  ConnectionSchema,
  type ConnectionSide,
  type ConnectionSideSchema,
  ConnectionState,
} from './vwire/v1/connection_pb.ts';
import { orNull, present, wordOf } from './words.ts';

const states: Readonly<Record<StateWord, ConnectionState>> = {
  opening: ConnectionState.OPENING,
  up: ConnectionState.UP,
  down: ConnectionState.DOWN,
  healing: ConnectionState.HEALING,
  closing: ConnectionState.CLOSING,
};

const sideMessage = (side: ConnectionSideItem): MessageInitShape<typeof ConnectionSideSchema> => ({
  mechanism: side.mechanism,
  netns: side.netns,
  name: side.name,
  addresses: [...side.addresses],
  routes: [...side.routes],
});

const sideItem = ({ mechanism, netns, name, addresses, routes }: ConnectionSide): ConnectionSideItem => ({
  mechanism,
  netns,
  name,
  addresses,
  routes,
});

export const connectionMessage = (item: ConnectionItem): Connection =>
  create(ConnectionSchema, {
    id: item.id,
    clientId: item.clientId,
    service: item.service,
    endpoint: item.endpoint,
    reason: item.reason,
    payload: item.payload,
    state: states[item.state],
    since: item.since,
    expires: item.expires ?? '',
    labels: { ...item.labels },
    path: item.path.map(({ name, id }) => ({ name, id })),
    ...(item.wire !== null && { wire: item.wire }),
    mtu: item.mtu,
    left: sideMessage(item.left),
    right: sideMessage(item.right),
    errors: item.errors.map(({ at, message }) => ({ at, message })),
  });

export const connectionItem = (connection: Connection): ConnectionItem => ({
  id: connection.id,
  clientId: connection.clientId,
  service: connection.service,
  endpoint: connection.endpoint,
  reason: connection.reason,
  payload: connection.payload,
  state: wordOf(states, connection.state, 'state of a connection'),
  since: connection.since,
  expires: orNull(connection.expires),
  labels: connection.labels,
  path: connection.path.map(({ name, id }) => ({ name, id })),
  wire: connection.wire ?? null,
  mtu: connection.mtu,
  left: sideItem(present(connection.left, "a connection's left side")),
  right: sideItem(present(connection.right, "a connection's right side")),
  errors: connection.errors.map(({ at, message }) => ({ at, message })),
});

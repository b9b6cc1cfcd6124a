import { type DescMessage, type MessageShape, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { ConnectionRecord, ConnectionSideRecord } from '../../../state/connection-record.ts';
import {
  ConnectionSchema,
  MechanismSchema,
  type Connection,
  type Mechanism,
} from '../proto/connection_pb.ts';
import { NetworkServiceRequestSchema, type NetworkServiceRequest } from '../proto/networkservice_pb.ts';
import type { Established } from './held.ts';

const text = <T extends DescMessage>(schema: T, message: MessageShape<T>): string =>
  Buffer.from(toBinary(schema, message)).toString('base64');
const message = <T extends DescMessage>(schema: T, base64: string): MessageShape<T> =>
  fromBinary(schema, Buffer.from(base64, 'base64'));

export const requestText = (request: NetworkServiceRequest): string =>
  text(NetworkServiceRequestSchema, request);
export const connectionText = (connection: Connection): string => text(ConnectionSchema, connection);
export const mechanismText = (mechanism: Mechanism): string => text(MechanismSchema, mechanism);

/** The connection of a request that has been checked. */
export function connectionOf(request: NetworkServiceRequest): Connection {
  if (!request.connection) throw new Error('A request without a connection has passed the check');
  return request.connection;
}

const nothing: ConnectionSideRecord = { mechanism: '', netns: '', name: '', addresses: [], routes: [] };

export const pathOf = ({ path }: Connection): { name: string; id: string }[] =>
  (path?.pathSegments ?? []).map(({ name, id }) => ({ name, id }));

/** Of a connection that is asked for, before anything is known but the request. */
export function firstRecord(request: NetworkServiceRequest, now: number): ConnectionRecord {
  const asked = connectionOf(request);
  const path = pathOf(asked);
  return {
    schema: 1,
    id: asked.id,
    intent: 'opening',
    clientId: path[0]?.id ?? asked.id,
    service: asked.networkService,
    endpoint: asked.networkServiceEndpointName,
    reason: '',
    payload: asked.payload,
    since: new Date(now).toISOString(),
    expires: null,
    labels: { ...asked.labels },
    path,
    wire: null,
    mtu: 0,
    left: nothing,
    right: nothing,
    errors: [],
    target: '',
    leftNetns: null,
    rightNetns: null,
    request: requestText(request),
    reply: null,
    endpointMechanism: null,
  };
}

/** What a record says of a connection that stood; null of one that never did. Throws if it cannot be read. */
export function establishedOf(record: ConnectionRecord): Established | null {
  if (record.reply === null || record.endpointMechanism === null) return null;
  return {
    request: message(NetworkServiceRequestSchema, record.request),
    reply: message(ConnectionSchema, record.reply),
    endpointMechanism: message(MechanismSchema, record.endpointMechanism),
  };
}

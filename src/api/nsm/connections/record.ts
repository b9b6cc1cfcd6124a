import { createHash } from 'node:crypto';
import type { ConnectionRecord, ConnectionSideRecord } from '../../../state/connection-record.ts';
import { textOf } from '../message-text.ts';
import {
  ConnectionSchema,
  MechanismSchema,
  type Connection,
  type Mechanism,
} from '../proto/connection_pb.ts';
import { NetworkServiceRequestSchema, type NetworkServiceRequest } from '../proto/networkservice_pb.ts';

export const requestText = (request: NetworkServiceRequest): string =>
  textOf(NetworkServiceRequestSchema, request);
export const connectionText = (connection: Connection): string => textOf(ConnectionSchema, connection);
export const mechanismText = (mechanism: Mechanism): string => textOf(MechanismSchema, mechanism);

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

/** Without what is told anew each time: the tokens of the path, and when they end. */
function timeless(connection: Connection): Connection {
  const rest = { ...connection };
  delete rest.path;
  return rest;
}

/** Of all that a record says but tokens and ends. Not for secrecy: to keep 28 bytes in place of the record. */
export function digestOf(
  record: ConnectionRecord,
  request: NetworkServiceRequest,
  reply: Connection,
): string {
  const asked = connectionOf(request);
  const said = {
    ...record,
    expires: null,
    request: [requestText({ ...request, connection: timeless(asked) }), pathOf(asked)],
    reply: connectionText(timeless(reply)),
  };
  return createHash('sha1').update(JSON.stringify(said)).digest('base64');
}

import type { ConnectionRecord } from '../../state/connection-record.ts';
import type { ConnectionItem, ConnectionState } from './api.ts';

/** What callers are shown of a record. */
export function connectionItem(record: ConnectionRecord, state: ConnectionState): ConnectionItem {
  const { id, clientId, service, endpoint, payload, since, expires, labels, path, wire, mtu } = record;
  const { left, right, errors, reason } = record;
  return {
    id,
    clientId,
    service,
    endpoint,
    reason,
    payload,
    state,
    since,
    expires,
    labels,
    path,
    wire,
    mtu,
    left,
    right,
    errors,
  };
}

/** How a connection stands as far as its file tells, where no agent can be asked. */
export const recordedState = ({ intent }: ConnectionRecord): ConnectionState =>
  intent === 'open' ? 'up' : intent;

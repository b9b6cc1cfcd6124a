import type { ConnectionState } from '../../../features/connection/api.ts';
import type { ConnectionRecord } from '../../../state/connection-record.ts';
import { Scope } from '../../../state/scope.ts';
import type { Connection, Mechanism } from '../proto/connection_pb.ts';
import type { NetworkServiceRequest } from '../proto/networkservice_pb.ts';

/** What stands once a request was carried out, and what the next one is compared with. */
export interface Established {
  /** As it came in below `updatepath`: own id and index. */
  request: NetworkServiceRequest;
  /** The whole connection as the chain gave it, own id and index. */
  reply: Connection;
  /** What the endpoint answered with. */
  endpointMechanism: Mechanism;
}

/** One connection the agent knows of: what was meant, what is held, how it stands. */
export interface Held {
  readonly id: string;
  readonly scope: Scope;
  record: ConnectionRecord;
  state: ConnectionState;
  /** Null until the first request was carried out. */
  established: Established | null;
  /** Set once nothing more may be done with it. */
  gone: boolean;
  /** Requests and closes of one connection run one after the other. */
  turn: Promise<void>;
}

export const held = (record: ConnectionRecord): Held => ({
  id: record.id,
  scope: new Scope('connection'),
  record,
  state: 'opening',
  established: null,
  gone: false,
  turn: Promise.resolve(),
});

/** Runs `act` when every earlier operation on this connection is over, however that ended. */
export function inTurn<T>(connection: Held, act: () => Promise<T>): Promise<T> {
  const result = connection.turn.then(act);
  connection.turn = result.then(
    () => undefined,
    () => undefined,
  );
  return result;
}

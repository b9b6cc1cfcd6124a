import type { ConnectionRecord } from '../../../state/connection-record.ts';
import { messageOf } from '../message-text.ts';
import {
  ConnectionSchema,
  MechanismSchema,
  type Connection,
  type Mechanism,
} from '../proto/connection_pb.ts';
import { NetworkServiceRequestSchema, type NetworkServiceRequest } from '../proto/networkservice_pb.ts';

type Texts = Pick<ConnectionRecord, 'request'> & { reply: string; endpointMechanism: string };

export const isEstablished = <R extends ConnectionRecord>(record: R): record is R & Texts =>
  record.reply !== null && record.endpointMechanism !== null;

/** As it came in below `updatepath`: own id and index. Throws if it cannot be read. */
export const requestOf = ({ request }: Pick<ConnectionRecord, 'request'>): NetworkServiceRequest =>
  messageOf(NetworkServiceRequestSchema, request);

/**
 * What stands once a request was carried out, and what the next one is compared with. Read when it is looked at, which
 * throws if it cannot be read. To be cloned before it is changed: others look at the same messages.
 */
export class Established {
  readonly #texts: Texts;
  #request: NetworkServiceRequest | null = null;
  #reply: Connection | null = null;
  #endpointMechanism: Mechanism | null = null;

  constructor({ request, reply, endpointMechanism }: Texts) {
    this.#texts = { request, reply, endpointMechanism };
  }

  get request(): NetworkServiceRequest {
    return (this.#request ??= requestOf(this.#texts));
  }

  /** The whole connection as the chain gave it, own id and index. */
  get reply(): Connection {
    return (this.#reply ??= messageOf(ConnectionSchema, this.#texts.reply));
  }

  /** What the endpoint answered with. */
  get endpointMechanism(): Mechanism {
    return (this.#endpointMechanism ??= messageOf(MechanismSchema, this.#texts.endpointMechanism));
  }

  isOf({ request, reply, endpointMechanism }: ConnectionRecord): boolean {
    const { request: asked, reply: replied, endpointMechanism: mechanism } = this.#texts;
    return request === asked && reply === replied && endpointMechanism === mechanism;
  }
}

/** Throws what is wrong with a message of a record. */
export function checkMessages(record: ConnectionRecord): void {
  requestOf(record);
  if (record.reply !== null) messageOf(ConnectionSchema, record.reply);
  if (record.endpointMechanism !== null) messageOf(MechanismSchema, record.endpointMechanism);
}

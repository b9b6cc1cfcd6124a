import type { ConnectionState } from '../../../features/connection/api.ts';
import type { ConnectionRecord } from '../../../state/connection-record.ts';
import { Scope } from '../../../state/scope.ts';
import type { Share } from './shares.ts';
import { Established, isEstablished } from './established.ts';

/** One connection the agent knows of: what was meant, what is held, how it stands. */
export class Held {
  readonly id: string;
  readonly scope = new Scope('connection');
  state: ConnectionState = 'opening';
  /** Set once nothing more may be done with it. */
  gone = false;
  /** Requests and closes of one connection run one after the other. */
  turn: Promise<void> = Promise.resolve();
  /** What its file says, as `ConnectionBook` writes it; null where that is not known. */
  written: Written | null = null;
  /** The digest of what its wire was last made or changed to; null where that is not known. */
  settled: string | null = null;
  /** What it counts for, of its client's namespace; null until that is known. */
  share: Share | null = null;
  #record: ConnectionRecord;
  #read: WeakRef<Established> | null = null;

  constructor(record: ConnectionRecord) {
    this.id = record.id;
    this.#record = record;
  }

  get record(): ConnectionRecord {
    return this.#record;
  }

  set record(record: ConnectionRecord) {
    if (!this.#read?.deref()?.isOf(record)) this.#read = null;
    this.#record = record;
  }

  /**
   * Null until the first request was carried out. Read from the record, and only as long as somebody looks at it: the
   * messages as objects are what a connection would need most memory for.
   */
  get established(): Established | null {
    if (!isEstablished(this.#record)) return null;
    const known = this.#read?.deref();
    if (known) return known;
    const read = new Established(this.#record);
    this.#read = new WeakRef(read);
    return read;
  }
}

/** What of a file's content tells whether it has to be written again. */
export interface Written {
  /** Of all but the ends of the tokens, and the tokens. */
  readonly digest: string;
  readonly expires: string | null;
}

/** Runs `act` when every earlier operation on this connection is over, however that ended. */
export function inTurn<T>(connection: Held, act: () => Promise<T>): Promise<T> {
  const result = connection.turn.then(act);
  connection.turn = result.then(
    () => undefined,
    () => undefined,
  );
  return result;
}

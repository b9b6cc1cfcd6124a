import type { Logger } from 'pino';
import type { Clock } from '../../state/clock.ts';
import type { FarewellRecord } from '../../state/farewell-record.ts';
import type { FarewellFiles } from '../../state/farewells.ts';
import type { Endpoint } from './chain/connect.ts';
import { maxFarewellAgeMs, maxFarewells } from './limits.ts';
import { messageOf, textOf } from './message-text.ts';
import { type Connection, ConnectionSchema } from './proto/connection_pb.ts';
import { maxLifeMs } from './registry/limits.ts';

export interface FarewellParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly files: Pick<FarewellFiles, 'write' | 'remove'>;
  /** Whether there is a connection of this id of ours: asked for again, it is nothing to be closed. */
  readonly isKnown: (id: string) => boolean;
  /** Tells the endpoint, within a bound. False where it cannot be told. */
  readonly tell: (endpoint: Endpoint, connection: Connection) => Promise<boolean>;
}

/**
 * What endpoints have yet to hear of connections that ended after a restart of the agent, before the endpoint had
 * registered anew: only its registration says where it is reached. Who lives registers again before a registration
 * with the earlier agent would have lapsed; what is left then is dropped. An agent that ends before that leaves the
 * rest to the next one, in files.
 */
export class Farewells {
  readonly #parts: FarewellParts;
  readonly #waiting = new Map<string, Map<string, FarewellRecord>>();
  #count = 0;
  #state: 'waiting' | 'over' | 'closed' = 'waiting';
  readonly #cancel: () => void;

  constructor(parts: FarewellParts) {
    this.#parts = parts;
    this.#cancel = parts.clock.after(maxLifeMs, () => {
      this.#state = 'over';
      for (const waiting of this.#waiting.values()) this.#drop([...waiting.values()]);
      this.#forget();
    });
  }

  /** What earlier agents could not tell. Returns those that are none, with why. */
  adopt(records: readonly FarewellRecord[]): { record: FarewellRecord; problem: string }[] {
    const now = this.#parts.clock.now();
    return records.flatMap((record) => {
      try {
        messageOf(ConnectionSchema, record.connection);
      } catch (error) {
        return [{ record, problem: (error as Error).message }];
      }
      if (now - Date.parse(record.ended) < maxFarewellAgeMs && this.#hasRoom()) this.#add(record);
      else this.#drop([record]);
      return [];
    });
  }

  /** For the endpoint of that name, in whatever process it comes back. `id` is ours of the connection. */
  keep(endpoint: string, id: string, connection: Connection): void {
    const ended = new Date(this.#parts.clock.now()).toISOString();
    const record: FarewellRecord = {
      schema: 1,
      id,
      endpoint,
      ended,
      connection: textOf(ConnectionSchema, connection),
    };
    if (!this.#hasRoom()) {
      this.#drop([record]);
      return;
    }
    this.#add(record);
    // A full disk keeps nothing from ending: this agent tells it all the same.
    this.#attempt(record, 'written', () => {
      this.#parts.files.write(record);
    });
  }

  #attempt({ id }: FarewellRecord, what: 'written' | 'removed', act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#parts.log.error({ conn: id, error: String(error) }, `State file cannot be ${what}`);
    }
  }

  #remove(record: FarewellRecord): void {
    this.#attempt(record, 'removed', () => {
      this.#parts.files.remove(record);
    });
  }

  #hasRoom(): boolean {
    return this.#state === 'waiting' && this.#count < maxFarewells;
  }

  #add(record: FarewellRecord): void {
    const waiting = this.#waiting.get(record.endpoint) ?? new Map<string, FarewellRecord>();
    this.#waiting.set(record.endpoint, waiting);
    if (!waiting.has(record.id)) this.#count += 1;
    waiting.set(record.id, record);
  }

  /** It has registered: it is told, one after the other, until it cannot be. */
  async tell(endpoint: Endpoint): Promise<void> {
    const waiting = [...(this.#waiting.get(endpoint.name)?.values() ?? [])];
    this.#waiting.delete(endpoint.name);
    this.#count -= waiting.length;
    for (const [told, record] of waiting.entries()) {
      const { id, connection } = record;
      const isDone =
        this.#parts.isKnown(id) ||
        (await this.#parts.tell(endpoint, messageOf(ConnectionSchema, connection)));
      // What an agent that ends has begun to tell, the next one tells.
      if (this.#state === 'closed') return;
      if (!isDone) {
        this.#drop(waiting.slice(told));
        return;
      }
      this.#remove(record);
    }
  }

  /** Leaves what is left to the next agent. Harmless when repeated. */
  close(): void {
    this.#state = 'closed';
    this.#cancel();
    this.#forget();
  }

  #forget(): void {
    this.#waiting.clear();
    this.#count = 0;
  }

  /** All of one endpoint. */
  #drop(records: readonly FarewellRecord[]): void {
    for (const record of records) this.#remove(record);
    const endpoint = records[0]?.endpoint;
    this.#parts.log.info(
      { endpoint, connections: records.length },
      'endpoint was not told that connections have ended',
    );
  }
}

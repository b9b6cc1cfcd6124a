import type { Logger } from 'pino';
import type { Clock } from '../../state/clock.ts';
import type { Endpoint } from './chain/connect.ts';
import { maxFarewells } from './limits.ts';
import type { Connection } from './proto/connection_pb.ts';
import { maxLifeMs } from './registry/limits.ts';

export interface FarewellParts {
  readonly clock: Clock;
  readonly log: Logger;
  /** Whether there is a connection of this id of ours: asked for again, it is nothing to be closed. */
  readonly isKnown: (id: string) => boolean;
  /** Tells the endpoint, within a bound. False where it cannot be told. */
  readonly tell: (endpoint: Endpoint, connection: Connection) => Promise<boolean>;
}

interface Farewell {
  readonly id: string;
  /** As the endpoint is told it. */
  readonly connection: Connection;
}

/**
 * What endpoints have yet to hear of connections that ended after a restart of the agent, before the endpoint had
 * registered anew: only its registration says where it is reached. Who lives registers again before a registration
 * with the earlier agent would have lapsed; what is left then is dropped.
 */
export class Farewells {
  readonly #parts: FarewellParts;
  readonly #waiting = new Map<string, Farewell[]>();
  #count = 0;
  #open = true;
  readonly #cancel: () => void;

  constructor(parts: FarewellParts) {
    this.#parts = parts;
    this.#cancel = parts.clock.after(maxLifeMs, () => {
      this.close();
    });
  }

  /** For the endpoint of that name, in whatever process it comes back. `id` is ours of the connection. */
  keep(endpoint: string, id: string, connection: Connection): void {
    if (!this.#open || this.#count >= maxFarewells) {
      this.#drop(endpoint, 1);
      return;
    }
    this.#count += 1;
    const waiting = this.#waiting.get(endpoint);
    if (waiting) waiting.push({ id, connection });
    else this.#waiting.set(endpoint, [{ id, connection }]);
  }

  /** It has registered: it is told, one after the other, until it cannot be. */
  async tell(endpoint: Endpoint): Promise<void> {
    const waiting = this.#waiting.get(endpoint.name) ?? [];
    this.#waiting.delete(endpoint.name);
    this.#count -= waiting.length;
    for (const [told, { id, connection }] of waiting.entries()) {
      if (this.#parts.isKnown(id) || (await this.#parts.tell(endpoint, connection))) continue;
      this.#drop(endpoint.name, waiting.length - told);
      return;
    }
  }

  /** Drops what is left. Harmless when repeated. */
  close(): void {
    this.#open = false;
    this.#cancel();
    for (const [endpoint, { length }] of this.#waiting) this.#drop(endpoint, length);
    this.#waiting.clear();
    this.#count = 0;
  }

  #drop(endpoint: string, connections: number): void {
    this.#parts.log.info({ endpoint, connections }, 'endpoint was not told that connections have ended');
  }
}

import { type FileIdentity, fileKey } from '../../../file-identity.ts';
import { Failure } from '../../../features/failure.ts';

/** What one namespace has of an agent's connections. */
export interface Share {
  /** Its `fileKey`. */
  readonly netns: string;
  connections: number;
}

/**
 * How many connections are of clients in each namespace: a pod that asks without end leaves room for the others. Who
 * asks on behalf of pods is counted for none of its own.
 */
export class Shares {
  readonly #max: number;
  readonly #shares = new Map<string, Share>();

  constructor(max: number) {
    this.#max = max;
  }

  /** One more, which is given back. Throws Failure where there are as many as there may be. */
  take(netns: FileIdentity): Share {
    const share = this.#of(netns);
    if (share.connections >= this.#max)
      throw new Failure(
        'exhausted',
        `The client's network namespace has ${share.connections} connections: this agent takes ${this.#max} of each`,
        {
          field: 'connections',
          value: String(share.connections),
          allowed: `${this.#max}, set by --max-connections-per-netns`,
        },
      );
    return this.adopt(netns);
  }

  /** One that stands already, however many there may be. */
  adopt(netns: FileIdentity): Share {
    const share = this.#of(netns);
    this.#shares.set(share.netns, share);
    share.connections++;
    return share;
  }

  giveBack(share: Share): void {
    share.connections--;
    if (share.connections === 0) this.#shares.delete(share.netns);
  }

  #of(identity: FileIdentity): Share {
    const netns = fileKey(identity);
    return this.#shares.get(netns) ?? { netns, connections: 0 };
  }
}

import { DESCRIPTORS_PER_ORIGIN } from './limits.ts';
import type { OpenPeer } from './peer.ts';
import { Room } from './room.ts';

export type Verdict =
  /** `leave` once, when the connection is over; `room` is for what comes over it. */
  | { readonly kind: 'admitted'; readonly room: Room; readonly leave: () => void }
  | { readonly kind: 'total'; readonly limit: number }
  | { readonly kind: 'origin'; readonly origin: string; readonly limit: number }
  | { readonly kind: 'descriptors'; readonly origin: string; readonly limit: number };

interface Origin {
  readonly room: Room;
  connections: number;
}

/** Counts connections, so that no origin has all of them. */
export class Admission {
  readonly #limit: number;
  readonly #perOrigin: number;
  readonly #origins = new Map<string, Origin>();
  readonly #node = new Room(Infinity);
  #total = 0;

  constructor(limit: number, perOrigin: number) {
    this.#limit = limit;
    this.#perOrigin = perOrigin;
  }

  get total(): number {
    return this.#total;
  }

  enter(peer: Pick<OpenPeer, 'inOwnNamespaces' | 'uid' | 'origin'>): Verdict {
    if (this.#total >= this.#limit) return { kind: 'total', limit: this.#limit };
    // Root on the node may use all there are: it could take them anyway.
    if (peer.inOwnNamespaces && peer.uid === 0) return this.#admit(this.#node, () => undefined);
    const name = peer.origin;
    const origin = this.#origins.get(name) ?? this.#arrive(name);
    if (origin.connections >= this.#perOrigin)
      return { kind: 'origin', origin: name, limit: this.#perOrigin };
    if (origin.room.stuck) return { kind: 'descriptors', origin: name, limit: DESCRIPTORS_PER_ORIGIN };
    origin.connections++;
    return this.#admit(origin.room, () => {
      origin.connections--;
      this.#forget(name);
    });
  }

  #admit(room: Room, left: () => void): Verdict {
    this.#total++;
    const leave = (): void => {
      this.#total--;
      left();
    };
    return { kind: 'admitted', room, leave };
  }

  #arrive(name: string): Origin {
    const room = new Room(DESCRIPTORS_PER_ORIGIN, () => {
      this.#forget(name);
    });
    const origin = { room, connections: 0 };
    this.#origins.set(name, origin);
    return origin;
  }

  /** Unless connections of it are open, or descriptors are still being closed. */
  #forget(name: string): void {
    const origin = this.#origins.get(name);
    if (origin?.connections === 0 && origin.room.idle) this.#origins.delete(name);
  }
}

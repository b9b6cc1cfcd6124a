import type { Peer } from './peer.ts';

export type Verdict =
  /** `leave` once, when the connection is over. */
  | { readonly kind: 'admitted'; readonly leave: () => void }
  | { readonly kind: 'total'; readonly limit: number }
  | { readonly kind: 'origin'; readonly origin: string; readonly limit: number };

/** Whose connections count together; null: nobody's, as root on the node itself may use all there are. */
function originOf(peer: Peer): string | null {
  if (peer.inOwnNamespaces && peer.uid === 0) return null;
  const netns = peer.currentNetns();
  return netns === null ? `uid ${peer.uid}` : `netns ${netns.dev}:${netns.inode}`;
}

/** Counts connections, so that no origin has all of them. */
export class Admission {
  readonly #limit: number;
  readonly #perOrigin: number;
  readonly #origins = new Map<string, number>();
  #total = 0;

  constructor(limit: number, perOrigin: number) {
    this.#limit = limit;
    this.#perOrigin = perOrigin;
  }

  get total(): number {
    return this.#total;
  }

  enter(peer: Peer): Verdict {
    if (this.#total >= this.#limit) return { kind: 'total', limit: this.#limit };
    const origin = originOf(peer);
    if (origin !== null) {
      const open = this.#origins.get(origin) ?? 0;
      if (open >= this.#perOrigin) return { kind: 'origin', origin, limit: this.#perOrigin };
      this.#origins.set(origin, open + 1);
    }
    this.#total++;
    return {
      kind: 'admitted',
      leave: () => {
        this.#leave(origin);
      },
    };
  }

  #leave(origin: string | null): void {
    this.#total--;
    if (origin === null) return;
    const open = (this.#origins.get(origin) ?? 1) - 1;
    if (open === 0) this.#origins.delete(origin);
    else this.#origins.set(origin, open);
  }
}

import type { Side } from '../../dataplane/port.ts';
import type { Entry } from './entry.ts';

/** A pod's end that is listened for. */
export interface End {
  entry: Entry;
  side: Side;
}

/** A host end, and where its pod's end is known: once the pair is deleted the kernel does not say so any more. */
export interface HostEnd extends End {
  nsid: number | null;
  podIfindex: number;
}

/** What devices are known for, by ifindex, in each namespace by its number; null is our own. */
export class Ends<T extends End> {
  readonly #namespaces = new Map<number | null, Map<number, T>>();

  get(nsid: number | null, ifindex: number): T | undefined {
    return this.#namespaces.get(nsid)?.get(ifindex);
  }

  set(nsid: number | null, ifindex: number, end: T): void {
    const known = this.#namespaces.get(nsid);
    if (known) known.set(ifindex, end);
    else this.#namespaces.set(nsid, new Map([[ifindex, end]]));
  }

  delete(nsid: number | null, ifindex: number): void {
    const known = this.#namespaces.get(nsid);
    known?.delete(ifindex);
    if (known?.size === 0) this.#namespaces.delete(nsid);
  }

  clear(): void {
    this.#namespaces.clear();
  }
}

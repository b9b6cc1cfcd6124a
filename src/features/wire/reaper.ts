import { randomInt } from 'node:crypto';
import { changeRequest, deleteGroup, getRequest, listGroup } from '../../net/device.ts';
import { decodeLink } from '../../net/link.ts';
import type { NetlinkSocket } from '../../net/socket.ts';
import { parseAlias } from './names.ts';

interface Doomed {
  ifindexes: readonly number[];
  before: () => void;
  resolve: () => void;
  reject: (failure: unknown) => void;
}

/** How long deletions are collected, in ms. */
const COLLECT_MS = 10;
/** How many group numbers are tried before a stranger in each of them is a failure. */
const ATTEMPTS = 3;

/**
 * Deletes devices in groups, off the main thread: one deletion holds the kernel's RTNL lock for tens of
 * milliseconds, a hundred in one group not much longer. Only devices that bear our mark are deleted.
 */
export class Reaper {
  readonly #host: NetlinkSocket;
  readonly #instance: string;
  readonly #chooseGroup: () => number;
  #queue: Doomed[] = [];
  #running: Promise<void> | null = null;

  /** `chooseGroup` gives a number that is hardly anybody else's. */
  constructor(host: NetlinkSocket, instance: string, chooseGroup = () => randomInt(0x40000000, 0x7fffffff)) {
    this.#host = host;
    this.#instance = instance;
    this.#chooseGroup = chooseGroup;
  }

  /**
   * Settles when the devices, and with them their peers, are gone; devices that are gone already are
   * fine. `before` runs just before the kernel is asked, while they still exist.
   */
  delete(ifindexes: readonly number[], before: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ ifindexes, before, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Settles when nothing is queued. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running;
  }

  async #run(): Promise<void> {
    try {
      while (this.#queue.length > 0) {
        await new Promise((resolve) => setTimeout(resolve, COLLECT_MS));
        const batch = this.#queue;
        this.#queue = [];
        await this.#commit(batch);
      }
    } finally {
      this.#running = null;
    }
  }

  async #commit(batch: readonly Doomed[]): Promise<void> {
    const ready = batch.filter((doomed) => {
      try {
        doomed.before();
        return true;
      } catch (failure) {
        doomed.reject(failure);
        return false;
      }
    });
    try {
      await this.#deleteAll(ready.flatMap((d) => d.ifindexes).filter((i) => i > 0));
      for (const doomed of ready) doomed.resolve();
    } catch (failure) {
      for (const doomed of ready) doomed.reject(failure);
    }
  }

  /** Those of these devices that still exist and bear our mark: an ifindex may be somebody else's by now. */
  #oursOf(ifindexes: readonly number[]): number[] {
    const replies = this.#host.batch(ifindexes.map((ifindex) => getRequest({ ifindex })));
    return replies.flatMap((reply) => {
      const found = reply.ok && reply.replies[0] ? decodeLink(reply.replies[0].body) : null;
      return found !== null && parseAlias(found.alias)?.instance === this.#instance ? [found.ifindex] : [];
    });
  }

  async #deleteAll(ifindexes: readonly number[]): Promise<void> {
    const ours = this.#oursOf(ifindexes);
    if (ours.length === 0) return;
    const known = new Set(ours);
    for (let attempt = 1; ; attempt++) {
      const group = this.#chooseGroup();
      // Devices that vanished meanwhile refuse the change, which is as good as deleted.
      this.#host.batch(ours.map((i) => changeRequest('Set group of device', i, { group })));
      const members = listGroup(this.#host, group);
      const strangers = members.filter((d) => !known.has(d.ifindex));
      if (members.length === 0) return;
      if (strangers.length === 0) {
        await deleteGroup(this.#host, group);
        return;
      }
      // Somebody else uses this number, or put a device there: try another one.
      if (attempt === ATTEMPTS)
        throw new Error(
          `Devices cannot be deleted: in group ${group} there is ${strangers.map((d) => `'${d.name}'`).join(', ')}, which is not ours`,
        );
    }
  }
}

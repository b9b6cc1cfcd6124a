import { randomInt } from 'node:crypto';
import { changeRequest, deleteGroup, findDevices, listGroup } from '../../net/device.ts';
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
/** How long a group that was seen without strangers is taken to have none, in ms: numbers are drawn of 2^30. */
const TRUST_MS = 1000;

/**
 * Deletes devices in groups, off the main thread: one deletion holds the kernel's RTNL lock for tens of
 * milliseconds, a hundred in one group not much longer. Only devices that bear our mark are deleted.
 */
export class Reaper {
  readonly #host: NetlinkSocket;
  readonly #instance: string;
  readonly #chooseGroup: () => number;
  #queue: Doomed[] = [];
  #group: { number: number; seenFree: number } | null = null;
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
    return findDevices(
      this.#host,
      ifindexes.map((ifindex) => ({ ifindex })),
    ).flatMap((found) =>
      found !== null && parseAlias(found.alias)?.instance === this.#instance ? [found.ifindex] : [],
    );
  }

  async #deleteAll(ifindexes: readonly number[]): Promise<void> {
    const ours = this.#oursOf(ifindexes);
    if (ours.length === 0) return;
    const group = this.#freeGroup();
    // Devices that vanished meanwhile refuse the change, which is as good as deleted.
    this.#host.batch(ours.map((i) => changeRequest('Set group of device', i, { group })));
    try {
      await deleteGroup(this.#host, group);
    } catch (failure) {
      this.#group = null; // some of them may have stayed in it
      throw failure;
    }
  }

  /** A group that nobody was in when it was last looked at. The look costs as much as there are devices. */
  #freeGroup(): number {
    const now = performance.now();
    if (this.#group !== null && now - this.#group.seenFree < TRUST_MS) return this.#group.number;
    let number = this.#group?.number ?? this.#chooseGroup();
    for (let attempt = 1; ; attempt++) {
      const strangers = listGroup(this.#host, number);
      if (strangers.length === 0) {
        this.#group = { number, seenFree: now };
        return number;
      }
      this.#group = null;
      if (attempt === ATTEMPTS)
        throw new Error(
          `Devices cannot be deleted: in group ${number} there is ${strangers.map((d) => `'${d.name}'`).join(', ')}, which is not ours`,
        );
      number = this.#chooseGroup();
    }
  }
}

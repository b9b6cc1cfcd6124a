import { randomInt } from 'node:crypto';
import { changeRequest, deleteGroup, listDevices } from '../../net/device.ts';
import { type NetlinkSocket } from '../../net/socket.ts';
import { parseAlias } from './names.ts';

interface Doomed {
  ifindexes: readonly number[];
  before: () => void;
  resolve: () => void;
  reject: (failure: unknown) => void;
}

/** How long deletions are collected, in ms. */
const COLLECT_MS = 10;
/**
 * Deletes devices in groups, off the main thread: one deletion holds the kernel's RTNL lock for tens of
 * milliseconds, a hundred in one group not much longer. Only devices that bear our mark are deleted.
 */
export class Reaper {
  readonly #host: NetlinkSocket;
  readonly #instance: string;
  #queue: Doomed[] = [];
  #running: Promise<void> | null = null;

  constructor(host: NetlinkSocket, instance: string) {
    this.#host = host;
    this.#instance = instance;
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
    try {
      for (const doomed of batch) doomed.before();
      const ifindexes = batch.flatMap((d) => d.ifindexes).filter((i) => i > 0);
      await this.#deleteAll(ifindexes);
      for (const doomed of batch) doomed.resolve();
    } catch (failure) {
      for (const doomed of batch) doomed.reject(failure);
    }
  }

  #isOurs(alias: string | null): boolean {
    return parseAlias(alias)?.instance === this.#instance;
  }

  async #deleteAll(ifindexes: readonly number[]): Promise<void> {
    const group = randomInt(0x40000000, 0x7fffffff);
    const ours = new Set(ifindexes);
    // Devices that vanished meanwhile refuse the change, which is as good as deleted.
    this.#host.batch(ifindexes.map((i) => changeRequest('Set group of device', i, { group })));
    const members = listDevices(this.#host).filter((d) => d.group === group);
    const strangers = members.filter((d) => !ours.has(d.ifindex) || !this.#isOurs(d.alias));
    if (strangers.length > 0)
      throw new Error(`Delete group ${group}: ${strangers.map((d) => d.name).join(', ')} is not ours`);
    if (members.length > 0) await deleteGroup(this.#host, group);
  }
}

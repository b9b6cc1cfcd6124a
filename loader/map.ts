import * as libbpf from './libbpf.ts';
import { batchDelete, batchEntries, batchSet } from './map-batch.ts';
import { check, refuse } from './error.ts';
import { EEXIST, ENOENT } from './errno.ts';
import { Fd } from './fd.ts';
import { kindNumber } from './kinds.ts';
import { mapInfo, type MapInfo } from './info.ts';
import { openPin, pinFd } from './pin.ts';
import { mapCreateOpts } from './uapi.ts';

/** BPF_ANY, BPF_NOEXIST, BPF_EXIST */
const modes = { any: 0n, noexist: 1n, exist: 2n } as const;
export type SetMode = keyof typeof modes;

export interface MapShape {
  readonly type: string;
  /** At most 15 bytes of [A-Za-z0-9_.]. */
  readonly name: string;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags?: number;
}

/**
 * A map in the kernel, owned: whoever holds it closes it. Keys and values are Buffers of exactly
 * info.keySize and info.transferSize bytes; the kernel would read or write past a shorter one. Values of
 * a per-CPU map are all CPUs' in a row: see PerCpuMap.
 */
export class BpfMap {
  readonly #fd: Fd;
  readonly info: MapInfo;

  /** Takes the descriptor over, also when it throws. */
  constructor(fd: Fd) {
    this.#fd = fd;
    try {
      this.info = mapInfo(fd.number, fd.what);
    } catch (error) {
      fd.close();
      throw error;
    }
  }

  static create(shape: MapShape): BpfMap {
    const opts = mapCreateOpts.encode({ sz: BigInt(mapCreateOpts.size), map_flags: shape.flags ?? 0 });
    const { name, keySize, valueSize, maxEntries } = shape;
    const what = `map '${name}'`;
    const type = kindNumber('map', shape.type);
    const fd = check(libbpf.bpf_map_create(type, name, keySize, valueSize, maxEntries, opts), 'Create', what);
    return new BpfMap(new Fd(fd, what));
  }

  static openPinned(path: string, options: { readOnly?: boolean } = {}): BpfMap {
    return new BpfMap(openPin(path, 'map', options.readOnly ?? false));
  }

  /** null when no map has this id (any more). */
  static openId(id: number): BpfMap | null {
    const fd = libbpf.bpf_map_get_fd_by_id(id);
    if (fd === -ENOENT) return null;
    const what = `map with id ${id}`;
    return new BpfMap(new Fd(check(fd, 'Open', what), what));
  }

  /** For the duration of a call. */
  get fd(): number {
    return this.#fd.number;
  }

  get isOpen(): boolean {
    return this.#fd.isOpen;
  }

  /** How errors name it. */
  get what(): string {
    return this.#fd.what;
  }

  #sized(bytes: Buffer, size: number, role: 'key' | 'value'): Buffer {
    if (bytes.length === size) return bytes;
    return refuse('Use', `${role} in ${this.what}`, `it has ${bytes.length} bytes where ${size} are needed`);
  }
  #key = (key: Buffer): Buffer => this.#sized(key, this.info.keySize, 'key');
  #value = (value: Buffer): Buffer => this.#sized(value, this.info.transferSize, 'value');

  /** The value, or null when there is no such key. */
  get(key: Buffer): Buffer | null {
    const value = Buffer.alloc(this.info.transferSize);
    const result = libbpf.bpf_map_lookup_elem(this.fd, this.#key(key), value);
    if (result === -ENOENT) return null;
    check(result, 'Look up in', this.what);
    return value;
  }

  has(key: Buffer): boolean {
    return this.get(key) !== null;
  }

  /** EEXIST, ENOENT or, when the map is full, E2BIG. */
  set(key: Buffer, value: Buffer, mode: SetMode = 'any'): void {
    const result = libbpf.bpf_map_update_elem(this.fd, this.#key(key), this.#value(value), modes[mode]);
    check(result, 'Set an entry of', this.what);
  }

  /** False when the key is there already. */
  tryAdd(key: Buffer, value: Buffer): boolean {
    const result = libbpf.bpf_map_update_elem(this.fd, this.#key(key), this.#value(value), modes.noexist);
    if (result === -EEXIST) return false;
    check(result, 'Add to', this.what);
    return true;
  }

  /** False when there was no such key. */
  tryDelete(key: Buffer): boolean {
    const result = libbpf.bpf_map_delete_elem(this.fd, this.#key(key));
    if (result === -ENOENT) return false;
    check(result, 'Delete from', this.what);
    return true;
  }

  /**
   * All entries, in batches where map type and kernel have them (most since 5.6). What is added or
   * deleted meanwhile may or may not appear; what is there throughout appears once.
   */
  entries(): Iterable<[key: Buffer, value: Buffer]> {
    return batchEntries(this);
  }

  *keys(): Iterable<Buffer> {
    for (const [key] of this.entries()) yield key;
  }

  /** Sets many; stops at the first refusal, with the entries before it set. */
  setAll(entries: Iterable<readonly [key: Buffer, value: Buffer]>, mode: SetMode = 'any'): void {
    const checked = Array.from(entries, ([key, value]) => [this.#key(key), this.#value(value)] as const);
    batchSet(this, checked, mode, modes[mode]);
  }

  /** Deletes many; keys that are not there are no error. Returns how many were. */
  deleteAll(keys: Iterable<Buffer>): number {
    return batchDelete(this, Array.from(keys, this.#key));
  }

  pin(path: string): void {
    pinFd(this.#fd, path);
  }

  /** Harmless when repeated. The map lives on while a pin or a program refers to it. */
  close(): void {
    this.#fd.close();
  }
}

import * as libbpf from './libbpf.ts';
import { check, refuse } from './error.ts';
import { Fd } from './fd.ts';
import { kindName } from './kinds.ts';
import { BpfMap } from './map.ts';

/**
 * A map as its object describes it. Inert until the object is loaded; valid as long as the object is
 * open, which the object sees to.
 */
export class ObjectMap {
  readonly #pointer: () => bigint;
  readonly name: string;
  readonly what: string;

  constructor(name: string, pointer: () => bigint) {
    this.name = name;
    this.what = `map '${name}'`;
    this.#pointer = pointer;
  }

  /** 'type N' for what nobody knows. */
  get type(): string {
    return kindName('map', libbpf.bpf_map__type(this.#pointer()));
  }
  get keySize(): number {
    return libbpf.bpf_map__key_size(this.#pointer());
  }
  get valueSize(): number {
    return libbpf.bpf_map__value_size(this.#pointer());
  }
  get maxEntries(): number {
    return libbpf.bpf_map__max_entries(this.#pointer());
  }
  get flags(): number {
    return libbpf.bpf_map__map_flags(this.#pointer());
  }

  setMaxEntries(count: number): void {
    check(libbpf.bpf_map__set_max_entries(this.#pointer(), count), 'Set the size of', this.what);
  }

  /** Whether load() creates it; programs that refer to one that is not created are refused. */
  setAutocreate(create: boolean): void {
    check(libbpf.bpf_map__set_autocreate(this.#pointer(), create ? 1 : 0), 'Set up', this.what);
  }

  /**
   * Makes the programs use an existing map instead of creating one. libbpf would take over whatever shape
   * that has, so a differing one is refused here. The caller keeps `map`.
   */
  reuse(map: BpfMap): void {
    const pairs = [
      ['type', map.info.type, this.type],
      ['key size', map.info.keySize, this.keySize],
      ['value size', map.info.valueSize, this.valueSize],
      ['flags', map.info.flags, this.flags],
    ] as const;
    for (const [field, have, want] of pairs)
      if (have !== want) refuse('Reuse', map.what, `its ${field} is ${have}, ${this.what} has ${want}`);
    check(libbpf.bpf_map__reuse_fd(this.#pointer(), map.fd), 'Reuse', map.what);
  }

  /** A handle of the caller's own, to be closed by it. */
  take(): BpfMap {
    const fd = libbpf.bpf_map__fd(this.#pointer());
    if (fd < 0) refuse('Take', this.what, 'it was not created', 'ESTATE');
    return new BpfMap(Fd.duplicate(fd, this.what));
  }
}

import * as libbpf from './libbpf.ts';
import { check, refuse } from './error.ts';
import { Fd } from './fd.ts';
import { kindName } from './kinds.ts';
import { BpfMap } from './map.ts';

/** libbpf's pointer to a part of an object, while that is valid. */
export interface ObjectPart {
  /** Throws once the object is closed. */
  use(): bigint;
  /** Throws as well once it is loaded: what is set then would have no effect, or a wrong one. */
  change(): bigint;
}

/** A devmap is read-only to programs: the kernel adds the flag by itself and refuses to be asked for it. */
const BPF_F_RDONLY_PROG = 1 << 7;
const askedFlags = ({ type, flags }: BpfMap['info']): number =>
  type === 'devmap' || type === 'devmap_hash' ? flags & ~BPF_F_RDONLY_PROG : flags;

/**
 * A map as its object describes it. Inert until the object is loaded; valid as long as the object is
 * open, which the object sees to.
 */
export class ObjectMap {
  readonly #part: ObjectPart;
  readonly name: string;
  readonly what: string;

  constructor(name: string, part: ObjectPart) {
    this.name = name;
    this.what = `map '${name}'`;
    this.#part = part;
  }

  #pointer(): bigint {
    return this.#part.use();
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

  /** Sections of globals: OBJECT.rodata, OBJECT.bss. Their program's own affair: bpffs takes no such name. */
  get isInternal(): boolean {
    return (libbpf.bpf_map__is_internal(this.#pointer()) & 0xff) !== 0;
  }

  setMaxEntries(count: number): void {
    check(libbpf.bpf_map__set_max_entries(this.#part.change(), count), 'Set the size of', this.what);
  }

  /** Whether load() creates it; programs that refer to one that is not created are refused. */
  setAutocreate(create: boolean): void {
    check(libbpf.bpf_map__set_autocreate(this.#part.change(), create ? 1 : 0), 'Set up', this.what);
  }

  /**
   * Makes the programs use an existing map instead of creating one. libbpf would take over whatever shape
   * that has, so a differing one is refused here. The caller keeps `map`.
   */
  reuse(map: BpfMap): void {
    // libbpf itself would swap the map under programs that are loaded already.
    const pointer = this.#part.change();
    const pairs = [
      ['type', map.info.type, this.type],
      ['key size', map.info.keySize, this.keySize],
      ['value size', map.info.valueSize, this.valueSize],
      ['flags', askedFlags(map.info), this.flags],
    ] as const;
    for (const [field, have, want] of pairs)
      if (have !== want) refuse('Reuse', map.what, `its ${field} is ${have}, ${this.what} has ${want}`);
    check(libbpf.bpf_map__reuse_fd(pointer, map.fd), 'Reuse', map.what);
  }

  /** A handle of the caller's own, to be closed by it. */
  take(): BpfMap {
    const fd = libbpf.bpf_map__fd(this.#pointer());
    if (fd < 0) refuse('Take', this.what, 'it was not created', 'ESTATE');
    return new BpfMap(Fd.duplicate(fd, this.what));
  }
}

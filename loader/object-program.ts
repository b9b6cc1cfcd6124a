import * as libbpf from './libbpf.ts';
import { check, refuse } from './error.ts';
import { Fd } from './fd.ts';
import { kindName } from './kinds.ts';
import type { ObjectPart } from './object-map.ts';
import { BpfProgram } from './program.ts';

/** A program as its object describes it. Inert until the object is loaded, valid while that is open. */
export class ObjectProgram {
  readonly #part: ObjectPart;
  readonly name: string;
  readonly what: string;

  constructor(name: string, part: ObjectPart) {
    this.name = name;
    this.what = `program '${name}'`;
    this.#part = part;
  }

  #pointer(): bigint {
    return this.#part.use();
  }

  get type(): string {
    return kindName('program', libbpf.bpf_program__type(this.#pointer()));
  }

  /** 'tc', 'xdp', 'tp_btf/kfree_skb' */
  get section(): string {
    return libbpf.bpf_program__section_name(this.#pointer()) ?? '';
  }

  /** bool: the upper bytes of the register are not defined. */
  get autoload(): boolean {
    return (libbpf.bpf_program__autoload(this.#pointer()) & 0xff) !== 0;
  }

  /** Whether load() loads it. Set to false what this kernel or this use does not want. */
  setAutoload(load: boolean): void {
    check(libbpf.bpf_program__set_autoload(this.#part.change(), load ? 1 : 0), 'Set up', this.what);
  }

  /** A handle of the caller's own, to be closed by it. */
  take(): BpfProgram {
    const fd = libbpf.bpf_program__fd(this.#pointer());
    if (fd < 0) refuse('Take', this.what, 'it was not loaded', 'ESTATE');
    return new BpfProgram(Fd.duplicate(fd, this.what));
  }
}

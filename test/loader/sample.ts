import { BpfObject } from '../../loader/object.ts';
import type { BpfMap } from '../../loader/map.ts';
import type { BpfProgram } from '../../loader/program.ts';
import { compiled } from './compile.ts';

/** Programs and maps of sample.bpf.c, loaded; the caller closes what it took, by `close`. */
export class Sample {
  readonly #object: BpfObject;
  readonly #taken: { close(): void }[] = [];

  constructor(constants: Record<string, number> = {}) {
    this.#object = BpfObject.open({ path: compiled('sample') });
    for (const [name, value] of Object.entries(constants)) this.#object.rodata()?.set(name, value);
    this.#object.load();
  }

  map(name: string): BpfMap {
    const map = this.#object.takeMap(name);
    this.#taken.push(map);
    return map;
  }

  program(name: string): BpfProgram {
    const program = this.#object.takeProgram(name);
    this.#taken.push(program);
    return program;
  }

  close(): void {
    for (const handle of this.#taken) handle.close();
    this.#object.close();
  }
}

import { basename } from 'node:path';
import * as libbpf from './libbpf.ts';
import { BpfError, refuse } from './error.ts';
import { ffi } from './ffi/select.ts';
import { loadError } from './load-error.ts';
import { collecting } from './log.ts';
import type { BpfMap } from './map.ts';
import { withArena } from './memory.ts';
import { ObjectMap, type ObjectPart } from './object-map.ts';
import { ObjectProgram } from './object-program.ts';
import type { BpfProgram } from './program.ts';
import { Rodata } from './rodata.ts';
import { openOpts } from './uapi.ts';

export type ObjectSource =
  | { readonly path: string }
  /** `name` stands in for the file name in errors and in the names of .rodata and .bss maps. */
  | { readonly bytes: Buffer; readonly name: string };

type State =
  | { readonly phase: 'open' | 'loaded'; readonly handle: bigint }
  /** `why` completes "it is ...". */
  | { readonly phase: 'closed'; readonly why: string };

/** libbpf's NULL comes with an errno that the next call of any kind may overwrite. */
const opened = (handle: bigint): { handle: bigint; errno: number } => ({
  handle,
  errno: handle === 0n ? ffi.errno() : 0,
});

function openHandle(source: ObjectSource): { handle: bigint; errno: number } {
  if ('path' in source) return opened(libbpf.bpf_object__open_file(source.path, null));
  return withArena((arena) => {
    const object_name = arena.string(source.name);
    const opts = openOpts.encode({ sz: BigInt(openOpts.size), object_name });
    return opened(libbpf.bpf_object__open_mem(source.bytes, BigInt(source.bytes.length), opts));
  });
}

/**
 * An ELF file with programs and maps. Opening asks nothing of the kernel; load() creates everything or
 * nothing. What shall outlive the object is taken out of it: close() lets go of the rest.
 */
export class BpfObject {
  readonly what: string;
  readonly #maps = new Map<string, ObjectMap>();
  readonly #programs = new Map<string, ObjectProgram>();
  #rodata: bigint | null = null;
  #state: State;

  private constructor(handle: bigint, what: string) {
    this.what = what;
    this.#state = { phase: 'open', handle };
    for (let map = libbpf.bpf_object__next_map(handle, 0n); map !== 0n;) {
      const pointer = map;
      const name = libbpf.bpf_map__name(pointer) ?? '';
      const described = new ObjectMap(name, this.#part(pointer));
      this.#maps.set(name, described);
      if (described.isInternal && name.endsWith('.rodata')) this.#rodata = pointer;
      map = libbpf.bpf_object__next_map(handle, pointer);
    }
    for (let program = libbpf.bpf_object__next_program(handle, 0n); program !== 0n;) {
      const pointer = program;
      const name = libbpf.bpf_program__name(pointer) ?? '';
      this.#programs.set(name, new ObjectProgram(name, this.#part(pointer)));
      program = libbpf.bpf_object__next_program(handle, pointer);
    }
  }

  /** The caller closes it. */
  static open(source: ObjectSource): BpfObject {
    const what = `object '${'path' in source ? basename(source.path) : source.name}'`;
    const { result, messages } = collecting(() => openHandle(source));
    const { handle, errno } = result;
    if (handle !== 0n) return new BpfObject(handle, what);
    const detail = messages.at(-1)?.replace(/^libbpf: /, '') ?? null;
    throw new BpfError({ op: 'Open', object: what, errno, detail, log: messages.join('\n') });
  }

  get isOpen(): boolean {
    return this.#state.phase !== 'closed';
  }

  get mapNames(): string[] {
    return [...this.#maps.keys()];
  }

  get programNames(): string[] {
    return [...this.#programs.keys()];
  }

  #handle(op: string): bigint {
    if (this.#state.phase === 'closed') return refuse(op, this.what, `it is ${this.#state.why}`, 'ECLOSED');
    return this.#state.handle;
  }

  #notLoaded(op: string): bigint {
    const handle = this.#handle(op);
    return this.#state.phase === 'open' ? handle : refuse(op, this.what, 'it is loaded already', 'ESTATE');
  }

  #part(pointer: bigint): ObjectPart {
    return {
      use: () => {
        this.#handle('Use');
        return pointer;
      },
      change: () => {
        this.#notLoaded('Change');
        return pointer;
      },
    };
  }

  map(name: string): ObjectMap {
    this.#handle('Use');
    const names = this.mapNames.join("', '");
    return this.#maps.get(name) ?? refuse('Find', `map '${name}' in ${this.what}`, `it has '${names}'`);
  }

  program(name: string): ObjectProgram {
    this.#handle('Use');
    const names = this.programNames.join("', '");
    return (
      this.#programs.get(name) ?? refuse('Find', `program '${name}' in ${this.what}`, `it has '${names}'`)
    );
  }

  /** null when the object has no constants. Changes count only until load(). */
  rodata(): Rodata | null {
    this.#handle('Use');
    if (this.#rodata === null) return null;
    return new Rodata(() => this.#notLoaded('Use constants of'), this.#rodata, `.rodata of ${this.what}`);
  }

  /** After a failure the object is closed and nothing of it is left in the kernel. */
  load(): void {
    const handle = this.#notLoaded('Load');
    const { result, messages } = collecting(() => libbpf.bpf_object__load(handle));
    if (result === 0) {
      this.#state = { phase: 'loaded', handle };
      return;
    }
    const error = loadError(this, result, messages);
    this.#release('closed since its load failed');
    throw error;
  }

  /** Short for map(name).take(): a handle of the caller's own. */
  takeMap(name: string): BpfMap {
    return this.map(name).take();
  }

  /** Short for program(name).take(): a handle of the caller's own. */
  takeProgram(name: string): BpfProgram {
    return this.program(name).take();
  }

  #release(why: string): void {
    if (this.#state.phase === 'closed') return;
    const { handle } = this.#state;
    this.#state = { phase: 'closed', why };
    libbpf.bpf_object__close(handle);
  }

  /** Harmless when repeated. */
  close(): void {
    this.#release('closed');
  }
}

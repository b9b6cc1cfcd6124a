import * as libbpf from './libbpf.ts';
import { check } from './error.ts';
import { ENOENT } from './errno.ts';
import { Fd } from './fd.ts';
import { ffi } from './ffi/select.ts';
import { programInfo, rawInfo, type ProgramInfo } from './info.ts';
import { withArena } from './memory.ts';
import { openPin, pinFd } from './pin.ts';
import { testRun, type TestRun, type TestRunResult } from './test-run.ts';
import { progInfo } from './uapi.ts';

/** A program in the kernel, owned: whoever holds it closes it. */
export class BpfProgram {
  readonly #fd: Fd;
  readonly info: ProgramInfo;

  /** Takes the descriptor over, also when it throws. */
  constructor(fd: Fd) {
    this.#fd = fd;
    try {
      this.info = programInfo(fd.number, fd.what);
    } catch (error) {
      fd.close();
      throw error;
    }
  }

  static openPinned(path: string): BpfProgram {
    return new BpfProgram(openPin(path, 'program'));
  }

  /** null when no program has this id (any more). */
  static openId(id: number): BpfProgram | null {
    const fd = libbpf.bpf_prog_get_fd_by_id(id);
    if (fd === -ENOENT) return null;
    const what = `program with id ${id}`;
    return new BpfProgram(new Fd(check(fd, 'Open', what), what));
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

  /** Ids of the maps it refers to. */
  mapIds(): number[] {
    const size = 4 * 64;
    return withArena((arena) => {
      const address = arena.allocate(size);
      const asked = progInfo.encode({ nr_map_ids: size / 4, map_ids: address });
      const count = progInfo.fields.nr_map_ids.read(rawInfo(this.fd, asked, this.what));
      const ids = ffi.read(address, size);
      // The verifier allows no more than 64 maps a program.
      return Array.from({ length: Math.min(count, size / 4) }, (_, i) => ids.readUInt32LE(4 * i));
    });
  }

  testRun(run: TestRun): TestRunResult {
    return testRun(this, run);
  }

  pin(path: string): void {
    pinFd(this.#fd, path);
  }

  /** Harmless when repeated. The program lives on while a pin, a link or a filter refers to it. */
  close(): void {
    this.#fd.close();
  }
}

import * as libbpf from './libbpf.ts';
import { BpfError } from './error.ts';
import { ENOSPC } from './errno.ts';
import { ffi } from './ffi/select.ts';
import { withArena } from './memory.ts';
import type { BpfProgram } from './program.ts';
import { testRunOpts } from './uapi.ts';

export interface TestRun {
  /** The frame. Absent for program types that take a context only. */
  readonly data?: Buffer;
  /** Room for the frame that comes out: by default what went in and 256 bytes more. */
  readonly dataOutSize?: number;
  /** struct __sk_buff or xdp_md as far as the kernel lets a test set it. */
  readonly ctx?: Buffer;
  readonly repeat?: number;
}

export interface TestRunResult {
  readonly retval: number;
  readonly dataOut: Buffer;
  /** As long as `ctx` was; empty without one. */
  readonly ctxOut: Buffer;
  /** Mean of all repetitions. */
  readonly durationNs: number;
}

/** BPF_PROG_TEST_RUN: runs the program on a frame without a device. Blocks for the whole of it. */
export function testRun(program: BpfProgram, run: TestRun): TestRunResult {
  const data = run.data ?? Buffer.alloc(0);
  const room = run.dataOutSize ?? (run.data ? data.length + 256 : 0);
  const ctx = run.ctx ?? Buffer.alloc(0);
  return withArena((arena) => {
    const dataOut = room > 0 ? arena.allocate(room) : 0n;
    const ctxOut = run.ctx ? arena.allocate(ctx.length) : 0n;
    const opts = testRunOpts.encode({
      sz: BigInt(testRunOpts.size),
      data_in: run.data ? arena.copyIn(data) : 0n,
      data_size_in: data.length,
      data_out: dataOut,
      data_size_out: room,
      ctx_in: run.ctx ? arena.copyIn(ctx) : 0n,
      ctx_size_in: ctx.length,
      ctx_out: ctxOut,
      ctx_size_out: ctx.length,
      repeat: run.repeat ?? 1,
    });
    const errno = libbpf.bpf_prog_test_run_opts(program.fd, opts);
    const out = testRunOpts.decode(opts);
    if (errno < 0) {
      const detail =
        errno === -ENOSPC ? `${out.data_size_out} bytes came out, there was room for ${room}` : null;
      throw new BpfError({ op: 'Test-run', object: program.what, errno, detail });
    }
    return {
      retval: out.retval,
      dataOut: ffi.read(dataOut, Math.min(out.data_size_out, room)),
      ctxOut: ffi.read(ctxOut, Math.min(out.ctx_size_out, ctx.length)),
      durationNs: out.duration,
    };
  });
}

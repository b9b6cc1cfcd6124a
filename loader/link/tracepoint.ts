import * as libbpf from '../libbpf.ts';
import { BpfError } from '../error.ts';
import { missingBtf } from '../features.ts';
import { Fd } from '../fd.ts';
import type { BpfProgram } from '../program.ts';
import { BpfLink } from './link.ts';

/**
 * Attaches a tp_btf program to the tracepoint its section names. The target was settled at load, so the
 * old raw-tracepoint command needs no name and, unlike BPF_LINK_CREATE, works on every kernel with BTF.
 * The caller owns the link.
 */
export function attachTracepoint(program: BpfProgram): BpfLink {
  const result = libbpf.bpf_raw_tracepoint_open(null, program.fd);
  if (result >= 0) return new BpfLink(new Fd(result, `tracepoint link of ${program.what}`));
  const detail =
    program.info.type === 'tracing' ? null : `it is a ${program.info.type} program, a tp_btf one is needed`;
  const feature = missingBtf();
  throw new BpfError({
    op: 'Attach to its tracepoint',
    object: program.what,
    errno: result,
    detail,
    feature,
  });
}

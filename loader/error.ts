import { errnoName, errnoText } from './errno.ts';

/** What a kernel lacks: `since` is the first version that has it, null where versions do not decide. */
export interface Feature {
  readonly name: string;
  readonly since: string | null;
}

export interface Refusal {
  /** What was attempted, as an imperative: 'Attach tcx'. */
  readonly op: string;
  /** What it was attempted on: "program 'vwire_tc_own' at ifindex 4 ingress". */
  readonly object: string;
  /** Positive or negative, as the kernel gave it; null when the kernel was not asked. */
  readonly errno: number | null;
  /** Only for refusals without an errno. */
  readonly code?: string;
  readonly feature?: Feature | null;
  /** One clause that helps: what is wrong and what would be right. */
  readonly detail?: string | null;
  /** The whole verifier or libbpf log. */
  readonly log?: string | null;
}

function textOf(refusal: Refusal, code: string): string {
  const meaning = refusal.errno === null ? null : errnoText(refusal.errno);
  let text = `${refusal.op} ${refusal.object}: ${code}`;
  if (meaning !== null) text += ` (${meaning})`;
  if (refusal.feature) {
    text += `: this kernel lacks ${refusal.feature.name}`;
    if (refusal.feature.since !== null) text += `, Linux ${refusal.feature.since} has it`;
  }
  if (refusal.detail) text += `: ${refusal.detail}`;
  return text;
}

/** The one error of this layer. Its message stands alone; its fields are for programs. */
export class BpfError extends Error {
  override readonly name = 'BpfError';
  readonly op: string;
  readonly object: string;
  /** Positive; null when the kernel was not asked. */
  readonly errno: number | null;
  /** 'ENOENT'; without an errno one of 'ECLOSED', 'EARGUMENT', 'ESTATE', 'ENOLIBRARY'. */
  readonly code: string;
  readonly feature: Feature | null;
  readonly log: string | null;

  constructor(refusal: Refusal, options?: ErrorOptions) {
    const code = refusal.errno === null ? (refusal.code ?? 'ESTATE') : errnoName(refusal.errno);
    super(textOf(refusal, code), options);
    this.op = refusal.op;
    this.object = refusal.object;
    this.errno = refusal.errno === null ? null : Math.abs(refusal.errno);
    this.code = code;
    this.feature = refusal.feature ?? null;
    this.log = refusal.log ?? null;
  }
}

/** Passes a kernel or libbpf result on; a negative one, which is -errno, becomes the error. */
export function check(result: number, op: string, object: string): number {
  if (result < 0) throw new BpfError({ op, object, errno: result });
  return result;
}

/** The caller's fault, found before the kernel was asked. */
export function refuse(op: string, object: string, detail: string, code = 'EARGUMENT'): never {
  throw new BpfError({ op, object, errno: null, code, detail });
}

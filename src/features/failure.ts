/** What went wrong, in the caller's terms; every api translates these and nothing else. */
export type FailureCode =
  /** The request cannot be right on any machine: a bad name, a bad address. */
  | 'invalid'
  | 'not_found'
  /** Right, but not now or not here: a name in use, the host's namespace. */
  | 'refused'
  /** Right, but not for this caller: another pod's namespace. */
  | 'denied'
  /** A limit is reached; later it may work. */
  | 'exhausted'
  /** This kernel, or this process's privilege, cannot do it. */
  | 'unsupported'
  | 'timeout'
  | 'failed';

/** The error every feature throws. `message` is complete; the rest is for programs. */
export class Failure extends Error {
  readonly code: FailureCode;
  /** The field of the request that is at fault, such as `left.netns`; null if it is none. */
  readonly field: string | null;
  readonly value: string | null;
  readonly allowed: string | null;

  constructor(
    code: FailureCode,
    message: string,
    detail: { field?: string; value?: string; allowed?: string; cause?: unknown } = {},
  ) {
    super(message, { cause: detail.cause });
    this.name = 'Failure';
    this.code = code;
    this.field = detail.field ?? null;
    this.value = detail.value ?? null;
    this.allowed = detail.allowed ?? null;
  }
}

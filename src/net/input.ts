/**
 * A value from outside that cannot be taken: names the field, the value and what is allowed. Thrown by
 * every parse function, so that the edge (CLI, gRPC) can hand the three parts on.
 */
export class InputError extends Error {
  override readonly name: string = 'InputError';
  readonly field: string;
  readonly value: string;
  /** What would be taken: "1 to 15 printable ASCII characters ...". */
  readonly allowed: string;

  constructor(field: string, value: string, allowed: string, problem: string | null = null) {
    super(`${field} is '${value}'${problem === null ? '' : `: ${problem}`}: allowed is ${allowed}`);
    this.field = field;
    this.value = value;
    this.allowed = allowed;
  }
}

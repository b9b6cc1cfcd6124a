/** Nobody answers there. `message` says where, why and what to do. */
export class Unreachable extends Error {
  /** A socket's path, or a URL. */
  readonly where: string;

  constructor(message: string, where: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'Unreachable';
    this.where = where;
  }
}

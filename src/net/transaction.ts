import { NetlinkError } from './error.ts';
import {
  decodeDone,
  decodeError,
  NLM_F_DUMP_INTR,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_NOOP,
  NLMSG_OVERRUN,
  type Message,
  type Outcome,
  type Request,
} from './message.ts';

/** A refusal as a number. The error, with its texts and stack, is made when it is asked for. */
export class Refused {
  readonly ok = false;
  readonly errno: number;
  readonly #request: Request;
  readonly #extack: string | null;

  constructor(request: Request, { errno, extack }: Outcome) {
    this.errno = errno;
    this.#request = request;
    this.#extack = extack;
  }

  get error(): NetlinkError {
    return new NetlinkError(this.#request.op, this.#request.object, this.errno, this.#extack);
  }
}

export type Result = { readonly ok: true; readonly replies: Message[] } | Refused;

const EPROTO = 71;
const ENOBUFS = 105;

/** One request that was sent, and what has come back for it. */
export class Transaction {
  readonly #request: Request;
  readonly #replies: Message[] = [];
  #outcome: Outcome | null = null;
  #interrupted = false;

  constructor(request: Request) {
    this.#request = request;
  }

  /** A dump whose list changed while it was read: incomplete, to be repeated. */
  get interrupted(): boolean {
    return this.#interrupted;
  }

  get finished(): boolean {
    return this.#outcome !== null;
  }

  take(message: Message): void {
    if ((message.flags & NLM_F_DUMP_INTR) !== 0) this.#interrupted = true;
    switch (message.type) {
      case NLMSG_NOOP:
        return;
      case NLMSG_ERROR:
        this.#outcome = decodeError(message);
        return;
      case NLMSG_DONE:
        this.#outcome = decodeDone(message);
        return;
      case NLMSG_OVERRUN:
        this.abandon(ENOBUFS, 'The kernel lost a part of the answer');
        return;
      default:
        this.#replies.push(message);
    }
  }

  /** Ends it from our side, if the kernel has not: nothing more will be read for it. */
  abandon(errno: number, why: string): void {
    this.#outcome ??= { errno, extack: why };
  }

  result(): Result {
    const outcome = this.#outcome ?? { errno: EPROTO, extack: 'The kernel sent no answer' };
    return outcome.errno === 0 ? { ok: true, replies: this.#replies } : new Refused(this.#request, outcome);
  }
}

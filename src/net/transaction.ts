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

export type Result =
  { readonly ok: true; readonly replies: Message[] } | { readonly ok: false; readonly error: NetlinkError };

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
    const { op, object } = this.#request;
    if (this.#outcome === null) this.abandon(EPROTO, 'The kernel sent no answer');
    const { errno, extack } = this.#outcome ?? { errno: EPROTO, extack: null };
    return errno === 0
      ? { ok: true, replies: this.#replies }
      : { ok: false, error: new NetlinkError(op, object, errno, extack) };
  }
}

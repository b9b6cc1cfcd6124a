import { check, ClosedError, NetError } from './error.ts';
import { errno, ioctl, send, sendAsync } from './libc.ts';
import {
  decodeMessages,
  encodeMessage,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  type Message,
  type Request,
} from './message.ts';
import { closeFd, openRoute, receive } from './transport.ts';
import { Transaction, type Result } from './transaction.ts';

// One sendto carries at most this much, so that the answers fit into the receive buffer: the kernel
// queues all of them before sendto returns.
const BATCH_REQUESTS = 64;
const BATCH_BYTES = 32 * 1024;
const DUMP_ATTEMPTS = 100;

const EIO = 5;
const EBUSY = 16;
const ENOBUFS = 105;

type State = 'open' | 'closing' | 'closed';

/**
 * An rtnetlink socket. It belongs to the namespace it was opened in, works from any thread and
 * any namespace afterwards, and keeps that namespace alive: whoever opens one in a pod closes it with
 * the operation that needed it.
 *
 * rtnetlink answers inside sendto, so the synchronous calls never wait for an event loop. Synchronous
 * and asynchronous requests may overlap on one socket: answers are told apart by sequence number.
 */
export class NetlinkSocket {
  readonly #fd: number;
  #state: State = 'open';
  #sequence = Math.floor(Math.random() * 0x7fffffff);
  #inFlight = 0;
  readonly #pending = new Map<number, Transaction>();

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** In the namespace of the calling thread. The caller closes it. */
  static open(): NetlinkSocket {
    return new NetlinkSocket(openRoute());
  }

  /** The messages the kernel sent back, without the acknowledgement. Throws NetlinkError. */
  request(request: Request): Message[] {
    return unwrap(first(this.batch([request])));
  }

  /** The same with the send on a pool thread: for what holds the kernel for milliseconds. */
  async requestAsync(request: Request): Promise<Message[]> {
    return unwrap(first(await this.batchAsync([request])));
  }

  /**
   * Many requests in as few sendto calls as their answers allow; one result per request, in order.
   * A refused one does not stop the others.
   */
  batch(requests: readonly Request[]): Result[] {
    this.#ready('Batch');
    return chunksOf(requests).flatMap((chunk) => {
      const { bytes, sequences, transactions } = this.#prepare(chunk);
      const sent = send(this.#fd, bytes, BigInt(bytes.length), 0);
      return this.#finish(sequences, transactions, sent < 0 ? errno() : 0);
    });
  }

  async batchAsync(requests: readonly Request[]): Promise<Result[]> {
    const results: Result[] = [];
    for (const chunk of chunksOf(requests)) {
      this.#ready('Batch');
      const { bytes, sequences, transactions } = this.#prepare(chunk);
      this.#inFlight++;
      try {
        const sent = await sendAsync(this.#fd, bytes, BigInt(bytes.length), 0);
        // The pool thread's errno is out of reach; EIO stands for it.
        results.push(...this.#finish(sequences, transactions, sent < 0 ? EIO : 0));
      } finally {
        this.#inFlight--;
        this.#closeIfIdle();
      }
    }
    return results;
  }

  /** A complete list: repeated while the kernel says that it changed under the reader. */
  dump(request: Request): Message[] {
    const dump = { ...request, flags: request.flags | NLM_F_DUMP };
    for (let attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
      this.#ready(request.op);
      const { bytes, sequences, transactions } = this.#prepare([dump]);
      const sent = send(this.#fd, bytes, BigInt(bytes.length), 0);
      const interrupted = (): boolean => transactions.some((t) => t.interrupted);
      const result = first(this.#finish(sequences, transactions, sent < 0 ? errno() : 0));
      if (!result.ok || !interrupted()) return unwrap(result);
    }
    throw new NetError(request.op, request.object, EBUSY, [`The list changed during ${DUMP_ATTEMPTS} reads`]);
  }

  /** For what the kernel takes on every kind of socket, and answers for the namespace that the socket was made in. */
  ioctl(command: bigint, argument: Buffer, op: string, object: string): void {
    this.#ready(op);
    check(ioctl(this.#fd, command, argument), op, object);
  }

  /** Harmless when repeated. Requests still on a pool thread are answered first; new ones are refused. */
  close(): void {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    this.#closeIfIdle();
  }

  #closeIfIdle(): void {
    // A pool thread may not have entered its system call yet: closed now, the number could be another
    // file's by then.
    if (this.#state !== 'closing' || this.#inFlight > 0) return;
    this.#state = 'closed';
    closeFd(this.#fd);
  }

  #ready(op: string): void {
    if (this.#state !== 'open') throw new ClosedError('netlink socket', op);
  }

  #prepare(requests: readonly Request[]): {
    bytes: Buffer;
    sequences: number[];
    transactions: Transaction[];
  } {
    const sequences: number[] = [];
    const transactions: Transaction[] = [];
    const encoded = requests.map((request) => {
      const seq = (this.#sequence = (this.#sequence + 1) >>> 0);
      const transaction = new Transaction(request);
      sequences.push(seq);
      transactions.push(transaction);
      this.#pending.set(seq, transaction);
      const flags = request.flags | NLM_F_REQUEST | NLM_F_ACK;
      return encodeMessage({ type: request.type, flags, seq, portid: 0, body: request.body });
    });
    return { bytes: Buffer.concat(encoded), sequences, transactions };
  }

  #finish(sequences: number[], transactions: Transaction[], sendErrno: number): Result[] {
    try {
      if (sendErrno === 0) this.#drain(transactions);
      else for (const t of transactions) t.abandon(sendErrno, 'The request could not be sent');
      return transactions.map((t) => t.result());
    } finally {
      for (const seq of sequences) this.#pending.delete(seq);
    }
  }

  /** Reads until all of these are answered; answers for others on this socket are kept for them. */
  #drain(awaited: readonly Transaction[]): void {
    while (!awaited.every((t) => t.finished)) {
      const received = receive(this.#fd);
      if (received.kind === 'empty') return;
      if (received.kind === 'overrun') {
        for (const t of awaited) t.abandon(ENOBUFS, 'The answer did not fit into the receive buffer');
        continue;
      }
      for (const message of decodeMessages(received.datagram)) this.#pending.get(message.seq)?.take(message);
    }
  }
}

function chunksOf(requests: readonly Request[]): Request[][] {
  const chunks: Request[][] = [];
  let chunk: Request[] = [];
  let bytes = 0;
  for (const request of requests) {
    if (chunk.length === BATCH_REQUESTS || (chunk.length > 0 && bytes + request.body.length > BATCH_BYTES)) {
      chunks.push(chunk);
      chunk = [];
      bytes = 0;
    }
    chunk.push(request);
    bytes += request.body.length;
  }
  if (chunk.length > 0) chunks.push(chunk);
  return chunks;
}

function first(results: readonly Result[]): Result {
  const [result] = results;
  if (result === undefined) throw new Error('A batch of one gave no result');
  return result;
}

function unwrap(result: Result): Message[] {
  if (!result.ok) throw result.error;
  return result.replies;
}

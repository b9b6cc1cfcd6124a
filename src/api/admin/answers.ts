import type { Server, ServerUnaryCall, ServerWritableStream, sendUnaryData } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { Failure } from '../../features/failure.ts';
import type { Method } from '../method.ts';
import { statusOf } from '../status.ts';

export interface Handler<I, O> {
  answer: (request: I) => Promise<O>;
  /** Undoes what the answer says was done; called when the caller has gone before it could be told. */
  undo?: (answer: O) => Promise<void>;
}

const unexpected = (error: unknown): string =>
  `Unexpected error in the agent: ${error instanceof Error ? error.message : String(error)}`;

/** Registers methods at a server and turns what they throw into statuses. */
export class Answers {
  readonly #server: Server;
  readonly #log: Logger;

  constructor(server: Server, log: Logger) {
    this.#server = server;
    this.#log = log;
  }

  /** A Failure was said in the caller's terms; anything else is ours to look into. */
  #told(error: unknown, method: string): Failure {
    const told =
      error instanceof Failure ? error : new Failure('failed', unexpected(error), { cause: error });
    this.#log[told === error ? 'debug' : 'error']({ err: error, method }, 'call failed');
    return told;
  }

  to<I, O>(method: Method<I, O>, { answer, undo }: Handler<I, O>): void {
    const onCall = async (call: ServerUnaryCall<I, O>, reply: sendUnaryData<O>): Promise<void> => {
      try {
        const response = await answer(call.request);
        if (!call.cancelled) {
          reply(null, response);
          return;
        }
        this.#log.info({ method: method.path }, 'caller went away before the answer');
        await undo?.(response);
      } catch (error) {
        reply(statusOf(this.#told(error, method.path)));
      }
    };
    this.#server.register(
      method.path,
      (call: ServerUnaryCall<I, O>, reply: sendUnaryData<O>) => void onCall(call, reply),
      method.encodeResponse,
      method.decodeRequest,
      'unary',
    );
  }

  /** `add` takes the stream over; a Failure it throws is its end. */
  stream<I, O>(method: Method<I, O>, add: (call: ServerWritableStream<I, O>) => void): void {
    const onCall = (call: ServerWritableStream<I, O>): void => {
      try {
        add(call);
      } catch (error) {
        call.emit('error', statusOf(this.#told(error, method.path)));
      }
    };
    this.#server.register(method.path, onCall, method.encodeResponse, method.decodeRequest, 'serverStream');
  }
}

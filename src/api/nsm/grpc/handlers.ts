import type { Writable } from 'node:stream';
import {
  Metadata,
  type Server,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { Failure } from '../../../features/failure.ts';
import type { Method } from '../../method.ts';
import { type StatusAnswer, statusOf } from '../../status.ts';
import { Unreachable } from '../../unreachable.ts';
import type { Admission } from './admission.ts';
import { callerText } from './callers.ts';
import type { Gate } from './gate.ts';
import { registryPathOf, showRegistryPath } from './registry-path.ts';
import type { Call } from './services.ts';
import { tokenOf } from './token.ts';

/** The registry's servers answer with the path they were given and their own segment; no other method has one. */
const replyMetadata = (path: string, metadata: Metadata): Metadata | null => {
  if (!path.startsWith('/registry.')) return null;
  const came = registryPathOf(metadata);
  return came === null ? null : showRegistryPath({ index: came.index, tokens: [...came.tokens, ''] });
};

function read<I>(
  { decodeRequest, path }: Pick<Method<I, unknown>, 'decodeRequest' | 'path'>,
  bytes: Buffer,
): I {
  try {
    return decodeRequest(bytes);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Failure('invalid', `The message of '${path}' cannot be read: ${why}`, { cause: error });
  }
}

const same = (bytes: Buffer): Buffer => bytes;

/** How the calls of one server are answered that its gate has let in. */
export class Handlers {
  readonly #server: Server;
  readonly #gate: Gate;
  readonly #log: Logger;
  readonly #streams = new Set<() => void>();

  constructor(server: Server, gate: Gate, log: Logger) {
    this.#server = server;
    this.#gate = gate;
    this.#log = log;
  }

  unary<I, O>(method: Method<I, O>, answer: (message: I, call: Call) => Promise<O>): void {
    const onCall = async (call: ServerUnaryCall<Buffer, O>, reply: sendUnaryData<O>): Promise<void> => {
      const admission = this.#gate.admissionOf(call.metadata);
      admission.begin();
      try {
        const metadata = replyMetadata(method.path, call.metadata);
        const message = read(method, call.request);
        const said = await answer(message, callOf(admission, call.metadata));
        admission.settle();
        if (admission.signal.aborted)
          this.#log.info(
            { method: method.path, caller: callerText(admission.caller) },
            'caller went away before the answer',
          );
        if (metadata !== null) call.sendMetadata(metadata);
        reply(null, said);
      } catch (error) {
        admission.settle();
        reply(statusOf(this.#told(error, method.path, admission)));
      }
    };
    this.#server.register<Buffer, O>(
      method.path,
      (call: ServerUnaryCall<Buffer, O>, reply: sendUnaryData<O>) => void onCall(call, reply),
      method.encodeResponse,
      same,
      'unary',
    );
  }

  /** Reads `answer` no faster than the caller takes it. */
  stream<I, O>(method: Method<I, O>, answer: (message: I, call: Call) => AsyncIterable<O>): void {
    const onCall = async (call: ServerWritableStream<Buffer, O>): Promise<void> => {
      const admission = this.#gate.admissionOf(call.metadata);
      admission.begin();
      const { signal } = admission;
      // grpc-js takes the status of a stream from its error, and sends first what is buffered.
      const fail = (answered: StatusAnswer): void => {
        admission.settle();
        call.emit('error', answered);
      };
      const stop = (): void => {
        admission.end(new Failure('failed', 'The server stops'));
        fail({ code: status.UNAVAILABLE, details: 'The server stops', metadata: new Metadata() });
      };
      this.#streams.add(stop);
      try {
        const metadata = replyMetadata(method.path, call.metadata);
        const message = read(method, call.request);
        const items = answer(message, callOf(admission, call.metadata));
        call.sendMetadata(metadata ?? new Metadata());
        for await (const item of items) {
          if (signal.aborted) break;
          if (!call.write(item)) await drained(call, signal);
        }
        admission.settle();
        call.end();
      } catch (error) {
        fail(statusOf(this.#told(error, method.path, admission)));
      } finally {
        this.#streams.delete(stop);
      }
    };
    this.#server.register<Buffer, O>(
      method.path,
      (call: ServerWritableStream<Buffer, O>) => void onCall(call),
      method.encodeResponse,
      same,
      'serverStream',
    );
  }

  /** Ends every stream and says why. */
  stop(): void {
    for (const stop of this.#streams) stop();
  }

  /** A Failure was said in the caller's terms; anything else is ours to look into. */
  #told(error: unknown, path: string, { caller, signal }: Admission): Failure {
    const about = { err: error, method: path, caller: callerText(caller) };
    if (error instanceof Failure) {
      this.#log.debug(about, 'call failed');
      return error;
    }
    // The caller did reach this process: the status for the contrary would mislead it.
    if (error instanceof Unreachable) {
      this.#log.info(about, 'call failed');
      return new Failure('failed', error.message, { cause: error });
    }
    this.#log[signal.aborted ? 'debug' : 'error'](about, 'call failed');
    const text = error instanceof Error ? error.message : String(error);
    return new Failure('failed', `Unexpected error in the server: ${text}`, { cause: error });
  }
}

const callOf = ({ caller, deadline, signal }: Admission, metadata: Metadata): Call => ({
  caller,
  deadline,
  signal,
  token: tokenOf(metadata),
});

function drained(call: Writable, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      call.off('drain', go);
      signal.removeEventListener('abort', go);
      resolve();
    };
    call.once('drain', go);
    signal.addEventListener('abort', go);
    if (signal.aborted) go();
  });
}

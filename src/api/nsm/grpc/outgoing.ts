import {
  type CallOptions as GrpcOptions,
  type ClientReadableStream,
  type Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { Failure } from '../../../features/failure.ts';
import type { Method } from '../../method.ts';
import { errorTrailer, failureOf } from '../../status.ts';
import { Unreachable } from '../../unreachable.ts';
import type { Channel } from './channel.ts';

/** How long somebody waits. */
export interface Patience {
  /** Milliseconds since the epoch; null is for ever. */
  deadline: number | null;
  signal: AbortSignal | null;
}

export interface Outgoing<I, O> extends Patience {
  method: Method<I, O>;
  message: I;
  metadata: Metadata;
}

const grpcOptions = ({ deadline }: Patience): GrpcOptions => (deadline === null ? {} : { deadline });

/** Calls `act` once when `signal` aborts, now if it has; the returned function takes that back. */
function onAbort(signal: AbortSignal | null, act: () => void): () => void {
  if (signal === null) return () => undefined;
  signal.addEventListener('abort', act, { once: true });
  if (signal.aborted) act();
  return () => {
    signal.removeEventListener('abort', act);
  };
}

/** Settles as `work` does, or throws when patience ends first: Failure, or the signal's reason. */
export async function within<T>(work: Promise<T>, { deadline, signal }: Patience, url: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let forget = (): void => undefined;
  try {
    return await new Promise<T>((resolve, reject) => {
      work.then(resolve, reject);
      if (deadline !== null)
        timer = setTimeout(() => {
          reject(new Failure('timeout', `No connection to '${url}' within the deadline`));
        }, deadline - Date.now());
      forget = onAbort(signal, () => {
        reject(signal?.reason as Error);
      });
    });
  } finally {
    clearTimeout(timer);
    forget();
  }
}

/** Rejects with what grpc-js says. */
export async function unary<I, O>({ client }: Channel, outgoing: Outgoing<I, O>): Promise<O> {
  const { method, message, metadata, signal } = outgoing;
  let forget = (): void => undefined;
  try {
    return await new Promise<O>((resolve, reject) => {
      const call = client.makeUnaryRequest(
        method.path,
        method.encodeRequest,
        method.decodeResponse,
        message,
        metadata,
        grpcOptions(outgoing),
        (error, response) => {
          if (error !== null) reject(error);
          else if (response === undefined) reject(new Failure('failed', 'The server answered with nothing'));
          else resolve(response);
        },
      );
      forget = onAbort(signal, () => {
        call.cancel();
      });
    });
  } finally {
    forget();
  }
}

/** Throws what grpc-js says. Reads no faster than the caller takes. */
export async function* serverStream<I, O>(
  { client }: Channel,
  outgoing: Outgoing<I, O>,
): AsyncGenerator<O, void, undefined> {
  const { method, message, metadata, signal } = outgoing;
  const stream: ClientReadableStream<O> = client.makeServerStreamRequest(
    method.path,
    method.encodeRequest,
    method.decodeResponse,
    message,
    metadata,
    grpcOptions(outgoing),
  );
  // After the loop below is left, cancelling still ends the stream with an error nobody waits for.
  stream.on('error', () => undefined);
  const forget = onAbort(signal, () => {
    stream.cancel();
  });
  try {
    yield* stream as AsyncIterable<O>;
  } finally {
    forget();
    stream.cancel();
  }
}

/** What an error of the above means to who called. */
export function errorOf(error: unknown, { deadline, signal }: Patience, url: string): unknown {
  if (error instanceof Failure || error instanceof Unreachable) return error;
  if (signal?.aborted === true) return signal.reason;
  // The channel was closed before the call could begin.
  if (!isServiceError(error)) {
    const why = error instanceof Error ? error.message : String(error);
    return new Unreachable(`No answer from '${url}': ${why}`, url, error);
  }
  // The server's own words are kept; what grpc-js says itself does not name the server.
  const told = error.metadata.get(errorTrailer).length > 0;
  if (told) return failureOf(error);
  if (error.code === status.UNAVAILABLE)
    return new Unreachable(`No answer from '${url}': ${error.details}`, url, error);
  if (error.code === status.DEADLINE_EXCEEDED && deadline !== null && Date.now() >= deadline)
    return new Failure('timeout', `'${url}' did not answer within the deadline`, { cause: error });
  return failureOf(error);
}

const isServiceError = (error: unknown): error is ServiceError =>
  error instanceof Error && 'code' in error && 'details' in error && 'metadata' in error;

import {
  type CallOptions,
  Client,
  type ClientReadableStream,
  Metadata,
  type ServiceError,
  credentials,
  status,
} from '@grpc/grpc-js';
import { Failure } from '../../features/failure.ts';
import type { Method } from '../method.ts';
import { failureOf } from '../status.ts';
import { maxResponseBytes } from './limits.ts';
import { whyUnreachable } from './unreachable.ts';

export interface ChannelConfig {
  /** Absolute. */
  socketPath: string;
  /** For messages only: how to start the agent that is missing. */
  instance: string;
  /** For each call; of a stream, until it has begun. */
  timeoutMs: number;
  /** Cancels what is under way, on both sides; null never does. */
  signal: AbortSignal | null;
}

/** Calls of one agent. Every method throws Failure or Unreachable. Whoever made it closes it. */
export class Channel {
  readonly #config: ChannelConfig;
  readonly #client: Client;

  constructor(config: ChannelConfig) {
    this.#config = config;
    this.#client = new Client(`unix:${config.socketPath}`, credentials.createInsecure(), {
      'grpc.max_receive_message_length': maxResponseBytes,
      'grpc.enable_channelz': 0,
      'grpc.enable_http_proxy': 0,
      'grpc.service_config_disable_resolution': 1,
    });
  }

  async call<I, O>(method: Method<I, O>, request: I): Promise<O> {
    const { signal, timeoutMs } = this.#config;
    const options: CallOptions = { deadline: Date.now() + timeoutMs };
    let cancel = (): void => undefined;
    try {
      return await new Promise<O>((resolve, reject) => {
        const call = this.#client.makeUnaryRequest(
          method.path,
          method.encodeRequest,
          method.decodeResponse,
          request,
          new Metadata(),
          options,
          (error, response) => {
            if (error !== null) reject(error);
            else if (response === undefined) reject(new Failure('failed', 'The agent answered with nothing'));
            else resolve(response);
          },
        );
        cancel = () => {
          call.cancel();
        };
        signal?.addEventListener('abort', cancel, { once: true });
        if (signal?.aborted === true) cancel();
      });
    } catch (error) {
      throw await this.#translate(error as ServiceError);
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  /**
   * What the agent tells from now on. Reads no faster than the caller takes it: one that is too slow gets a
   * Failure. `onBegin` is called once nothing that happens can be missed.
   */
  async *stream<I, O>(
    method: Method<I, O>,
    request: I,
    onBegin: () => void,
  ): AsyncGenerator<O, void, undefined> {
    const { encodeRequest, decodeResponse, path } = method;
    const stream: ClientReadableStream<O> = this.#client.makeServerStreamRequest(
      path,
      encodeRequest,
      decodeResponse,
      request,
    );
    const late = new AbortController();
    const timer = setTimeout(() => {
      late.abort();
      stream.cancel();
    }, this.#config.timeoutMs);
    const cancel = (): void => {
      stream.cancel();
    };
    this.#config.signal?.addEventListener('abort', cancel, { once: true });
    stream.once('metadata', () => {
      clearTimeout(timer);
      onBegin();
    });
    // After the loop below is left, cancelling still ends the stream with an error nobody waits for.
    stream.on('error', () => undefined);
    try {
      for await (const message of stream as AsyncIterable<O>) yield message;
    } catch (error) {
      throw late.signal.aborted ? this.#tooLate(error) : await this.#translate(error as ServiceError);
    } finally {
      clearTimeout(timer);
      this.#config.signal?.removeEventListener('abort', cancel);
      stream.cancel();
    }
  }

  close(): void {
    this.#client.close();
  }

  #tooLate(cause: unknown): Failure {
    const { socketPath, timeoutMs } = this.#config;
    return new Failure('timeout', `The agent on '${socketPath}' did not answer within ${timeoutMs} ms`, {
      cause,
    });
  }

  /** grpc-js rejects with ServiceError and nothing else. */
  async #translate(error: ServiceError): Promise<Error> {
    if (error instanceof Failure) return error;
    const { socketPath, instance } = this.#config;
    if (error.code === status.UNAVAILABLE) return whyUnreachable(socketPath, instance, error.details);
    const failure = failureOf(error);
    // Without the agent's own words the deadline was ours.
    return failure.code === 'timeout' &&
      failure.field === null &&
      error.metadata.get('vwire-error').length === 0
      ? this.#tooLate(error)
      : failure;
  }
}

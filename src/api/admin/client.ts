import { create } from '@bufbuild/protobuf';
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
import type { WireItem, WireName } from '../../features/wire/api.ts';
import type { AgentStatus } from './agent.ts';
import { maxResponseBytes } from './limits.ts';
import type { Method } from '../method.ts';
import { methods } from './methods.ts';
import { type AskedChange, type AskedWire, addRequest, nameMessage, updateRequest } from './request.ts';
import { failureOf } from '../status.ts';
import { whyUnreachable } from './unreachable.ts';
import {
  ListWiresRequestSchema,
  RemoveWireRequestSchema,
  StatusRequestSchema,
  WatchWiresRequestSchema,
  type WireEvent,
} from './vwire/v1/vwire_pb.ts';
import { wireItem } from './wire-message.ts';

export interface ClientConfig {
  /** Absolute. */
  socketPath: string;
  /** For messages only: how to start the agent that is missing. */
  instance: string;
  /** For each call; of a watch, until it has begun. */
  timeoutMs: number;
  /** Cancels what is under way, on both sides; null never does. */
  signal: AbortSignal | null;
}

/** What `WireEvent` of the feature is, with types that only a newer agent knows. */
export interface ReceivedEvent {
  at: string;
  type: string;
  wire: number;
  connection: string;
  detail: string;
}

/** A client of one agent. Every method throws Failure or Unreachable. Whoever made it closes it. */
export class AdminClient {
  readonly #config: ClientConfig;
  readonly #client: Client;

  constructor(config: ClientConfig) {
    this.#config = config;
    this.#client = new Client(`unix:${config.socketPath}`, credentials.createInsecure(), {
      'grpc.max_receive_message_length': maxResponseBytes,
      'grpc.enable_channelz': 0,
      'grpc.enable_http_proxy': 0,
      'grpc.service_config_disable_resolution': 1,
    });
  }

  async add(spec: AskedWire): Promise<WireItem> {
    return wireItem(await this.#call(methods.add, addRequest(spec)));
  }

  async update(name: WireName, change: AskedChange): Promise<WireItem> {
    return wireItem(await this.#call(methods.update, updateRequest(name, change)));
  }

  async remove(name: WireName): Promise<void> {
    await this.#call(methods.remove, create(RemoveWireRequestSchema, { wire: nameMessage(name) }));
  }

  async list(): Promise<WireItem[]> {
    const { wires } = await this.#call(methods.list, create(ListWiresRequestSchema));
    return wires.map(wireItem);
  }

  async status(): Promise<AgentStatus> {
    const { version, instance, pid, since, ffi, libbpf, kernel, features } = await this.#call(
      methods.status,
      create(StatusRequestSchema),
    );
    return { version, instance, pid, since, ffi, libbpf, kernel, features };
  }

  /**
   * Events from now on. Reads no faster than the caller takes them: one that is too slow gets a Failure.
   * `onBegin` is called once nothing that happens can be missed.
   */
  async *watch(onBegin: () => void = () => undefined): AsyncGenerator<ReceivedEvent, void, undefined> {
    const { encodeRequest, decodeResponse, path } = methods.watch;
    const request = create(WatchWiresRequestSchema);
    const stream: ClientReadableStream<WireEvent> = this.#client.makeServerStreamRequest(
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
      for await (const event of stream as AsyncIterable<WireEvent>) {
        const { at, type, wire, connection, detail } = event;
        yield { at, type, wire, connection, detail };
      }
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

  async #call<I, O>(method: Method<I, O>, request: I): Promise<O> {
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

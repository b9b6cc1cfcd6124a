import {
  type CallOptions,
  Client,
  type ClientReadableStream,
  type ClientUnaryCall,
  type Metadata,
  Metadata as MetadataOf,
  type ServiceError,
  credentials,
} from '@grpc/grpc-js';

const same = (bytes: Buffer): Buffer => bytes;

export interface Answer {
  /** Null if the call failed. */
  bytes: Buffer | null;
  error: ServiceError | null;
  /** What came before the answer. */
  initial: Metadata | null;
}

/** grpc-js as it comes, sending and getting bytes. Closed by who made it. */
export class StockClient {
  readonly #client: Client;

  /** `target` is in the words of grpc-js, such as `unix:/PATH`. */
  constructor(target: string) {
    this.#client = new Client(target, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
  }

  call(path: string, bytes: Buffer, metadata = new MetadataOf(), options: CallOptions = {}): Promise<Answer> {
    return new Promise((resolve) => {
      let initial: Metadata | null = null;
      const call: ClientUnaryCall = this.#client.makeUnaryRequest(
        path,
        same,
        same,
        bytes,
        metadata,
        options,
        (error, answer) => {
          resolve({ bytes: answer ?? null, error, initial });
        },
      );
      call.on('metadata', (came: Metadata) => {
        initial = came;
      });
    });
  }

  stream(path: string, bytes: Buffer, metadata = new MetadataOf()): ClientReadableStream<Buffer> {
    return this.#client.makeServerStreamRequest(path, same, same, bytes, metadata);
  }

  close(): void {
    this.#client.close();
  }
}

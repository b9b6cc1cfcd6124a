import { Failure } from '../../../features/failure.ts';
import { Unreachable } from '../../unreachable.ts';
import { type Channel, tcpChannel, unixChannel } from './channel.ts';
import { connectTimeoutMs } from './limits.ts';
import type { Tls } from './tls.ts';
import { type Address, addressOf, refusePlaintext } from './url.ts';

const codeOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : null;

/** The one channel of a client: made when it is first needed, and again when it has ended. */
export class Dialer {
  readonly #url: string;
  readonly #address: Address;
  readonly #tls: Tls | null;
  readonly #stop = new AbortController();
  #channel: Channel | null = null;
  #connecting: Promise<Channel> | null = null;

  /** Throws Failure of a URL that nobody may use. */
  constructor(url: string, tls: Tls | null) {
    this.#url = url;
    this.#address = addressOf(url);
    this.#tls = tls;
    if (this.#address.kind === 'tcp' && tls === null) refusePlaintext(url, this.#address.host);
  }

  get current(): Channel | null {
    return this.#channel;
  }

  /** Throws Failure or Unreachable. Several callers share one attempt. */
  async channel(): Promise<Channel> {
    if (this.#stop.signal.aborted) throw this.#gone();
    if (this.#channel !== null) return this.#channel;
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = null;
    });
    return this.#connecting;
  }

  /** Harmless when repeated. */
  dispose(): void {
    this.#stop.abort();
    this.#channel?.close();
    this.#channel = null;
  }

  #gone(): Failure {
    return new Failure('failed', `The client of '${this.#url}' was disposed of`);
  }

  async #connect(): Promise<Channel> {
    const address = this.#address;
    if (address.kind === 'tcp') return (this.#channel = tcpChannel(address.host, address.port, this.#tls));
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(connectTimeoutMs)]);
    try {
      const channel: Channel = await unixChannel(address.path, signal, () => {
        if (this.#channel === channel) this.#channel = null;
      });
      if (this.#stop.signal.aborted) {
        channel.close();
        throw this.#gone();
      }
      this.#channel = channel;
      return channel;
    } catch (error) {
      if (this.#stop.signal.aborted) throw this.#gone();
      const why = error instanceof Error ? error.message : String(error);
      const code = codeOf(error);
      if (code === 'EACCES' || code === 'EPERM')
        throw new Failure('denied', `Not permitted to connect to '${this.#url}': ${why}`, {
          field: 'url',
          value: this.#url,
          cause: error,
        });
      throw new Unreachable(`Cannot connect to '${this.#url}': ${why}`, this.#url, error);
    }
  }
}

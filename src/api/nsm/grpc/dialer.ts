import { Failure } from '../../../features/failure.ts';
import { Unreachable } from '../../unreachable.ts';
import { type Channel, tcpChannel, unixChannel } from './channel.ts';
import { longestTimerMs } from './limits.ts';
import type { Tls } from './tls.ts';
import { type Address, addressOf, refusePlaintext } from './url.ts';

const codeOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : null;

function checkTimeout(ms: number): void {
  if (Number.isFinite(ms) && ms > 0) return;
  const allowed = 'a number of milliseconds above 0';
  throw new Failure('invalid', `dialTimeoutMs is '${ms}': allowed is ${allowed}`, {
    field: 'dialTimeoutMs',
    value: String(ms),
    allowed,
  });
}

/** The one channel of a client: made when it is first needed, and again when it has ended. */
export class Dialer {
  readonly #url: string;
  readonly #address: Address;
  readonly #tls: Tls | null;
  readonly #timeoutMs: number;
  readonly #stop = new AbortController();
  #channel: Channel | null = null;
  #connecting: Promise<Channel> | null = null;

  /** Throws Failure of a URL that nobody may use, and of no time to connect. */
  constructor(url: string, tls: Tls | null, timeoutMs: number) {
    this.#url = url;
    this.#address = addressOf(url);
    this.#tls = tls;
    if (this.#address.kind === 'tcp' && tls === null) refusePlaintext(url, this.#address.host);
    checkTimeout(timeoutMs);
    this.#timeoutMs = timeoutMs;
  }

  get current(): Channel | null {
    return this.#channel?.isUp === true ? this.#channel : null;
  }

  /** One that calls may begin on. Throws Failure or Unreachable. Several callers share one attempt. */
  async channel(): Promise<Channel> {
    if (this.#stop.signal.aborted) throw this.#gone();
    if (this.current !== null) return this.current;
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
    const late = new AbortController();
    // AbortSignal.timeout would let the process end meanwhile.
    const timer = setTimeout(
      () => {
        late.abort(new Error('nobody speaks HTTP/2 there'));
      },
      Math.min(this.#timeoutMs, longestTimerMs),
    );
    try {
      return await this.#open(AbortSignal.any([this.#stop.signal, late.signal]));
    } catch (error) {
      if (this.#stop.signal.aborted) throw this.#gone();
      if (error instanceof Unreachable) throw error;
      throw this.#failed(error, late.signal.aborted);
    } finally {
      clearTimeout(timer);
    }
  }

  async #open(signal: AbortSignal): Promise<Channel> {
    const address = this.#address;
    if (address.kind === 'tcp') {
      const channel = (this.#channel ??= tcpChannel(address.host, address.port, this.#tls));
      try {
        await channel.settled(signal);
      } catch (error) {
        channel.close();
        this.#channel = null;
        throw error;
      }
      return channel;
    }
    const channel = await unixChannel(address.path, signal);
    if (this.#stop.signal.aborted) {
      channel.close();
      throw this.#gone();
    }
    return (this.#channel = channel);
  }

  #failed(error: unknown, late: boolean): Error {
    const why = error instanceof Error ? error.message : String(error);
    const code = codeOf(error);
    if (code === 'EACCES' || code === 'EPERM')
      return new Failure('denied', `Not permitted to connect to '${this.#url}': ${why}`, {
        field: 'url',
        value: this.#url,
        cause: error,
      });
    const time = late ? ` within ${this.#timeoutMs} ms` : '';
    return new Unreachable(`Cannot connect to '${this.#url}'${time}: ${why}`, this.#url, error);
  }
}

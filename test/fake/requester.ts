import { Failure } from '../../src/features/failure.ts';
import type {
  Granted,
  RequestTime,
  Requester,
  RequesterOptions,
  Update,
  Wanted,
} from '../../src/cli/request/requester.ts';

/** A granted connection; a test tells what becomes of it. */
class MemoryGrant implements Granted {
  readonly id: string;
  readonly clientId: string;
  readonly service: string;
  readonly endpoint: string;
  readonly payload: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly path: readonly { name: string; id: string }[];
  readonly interface: string;
  readonly addresses = ['172.16.1.1/32'];
  readonly peerAddresses = ['172.16.1.0/32'];
  readonly routes = ['172.16.1.0/32', '10.0.0.0/8 via 172.16.1.0'];
  readonly mtu: number;
  readonly #onClose: (id: string) => Promise<void>;
  readonly #updates: Update[] = [{ type: 'up', detail: '' }];
  #wake = (): void => undefined;

  constructor(wanted: Wanted, number: number, onClose: (id: string) => Promise<void>) {
    this.id = `c${number}`;
    this.clientId = wanted.id;
    this.service = wanted.service;
    this.endpoint = wanted.endpoint ?? `${wanted.service}-1`;
    this.payload = wanted.payload ?? 'IP';
    this.labels = wanted.labels;
    this.path = [
      { name: 'client', id: wanted.id },
      { name: 'vwire', id: this.id },
    ];
    this.interface = wanted.interface ?? `nsm-${number}`;
    this.mtu = wanted.mtu ?? 1500;
    this.#onClose = onClose;
  }

  tell(update: Update): void {
    this.#updates.push(update);
    this.#wake();
  }

  async *updates(signal: AbortSignal): AsyncIterable<Update> {
    const wake = (): void => {
      this.#wake();
    };
    signal.addEventListener('abort', wake);
    while (!signal.aborted) {
      const update = this.#updates.shift();
      if (update !== undefined) yield update;
      if (update?.type === 'closed') break;
      if (update === undefined)
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
    signal.removeEventListener('abort', wake);
  }

  async close(): Promise<void> {
    await this.#onClose(this.id);
  }
}

/** The library for workloads without an agent. */
export class MemoryRequester implements Requester {
  options: RequesterOptions | null = null;
  readonly requests: Wanted[] = [];
  readonly times: RequestTime[] = [];
  /** Ids that were closed, and `left` or `ended` for the access. */
  readonly ends: string[] = [];
  readonly granted: MemoryGrant[] = [];
  /** By service, what its next requests fail with; an empty list grants. */
  readonly failures = new Map<string, Error[]>();
  /** Services whose requests wait until they are given up. */
  readonly silent = new Set<string>();
  /** Closing this one fails. */
  stuck: string | null = null;

  readonly connect = async (options: RequesterOptions): Promise<Requester> => {
    this.options = options;
    return this;
  };

  async request(wanted: Wanted, time: RequestTime): Promise<Granted> {
    this.requests.push(wanted);
    this.times.push(time);
    if (this.silent.has(wanted.service))
      await new Promise((_, reject) => {
        time.signal.addEventListener('abort', () => {
          reject(new Failure('failed', 'Given up'));
        });
      });
    const failure = this.failures.get(wanted.service)?.shift();
    if (failure !== undefined) throw failure;
    const grant = new MemoryGrant(wanted, this.granted.length + 1, async (id) => {
      if (this.stuck === id) throw new Failure('timeout', 'The agent did not answer');
      this.ends.push(id);
    });
    this.granted.push(grant);
    return grant;
  }

  async leave(): Promise<void> {
    this.ends.push('left');
  }

  async close(): Promise<void> {
    this.ends.push('ended');
  }
}

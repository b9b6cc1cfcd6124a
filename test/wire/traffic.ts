import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Pods } from '../pods.ts';

/** Where test/traffic is built to. */
export const tool = (name: string): string =>
  fileURLToPath(new URL(`../../dist/bin/${name}`, import.meta.url));

/** A program of test/traffic at work: says "ready", ends with one line of JSON. */
class Program<Result> {
  readonly #child: ChildProcess;
  readonly #name: string;
  #out = '';
  #err = '';
  #said = (): void => undefined;

  constructor(child: ChildProcess, name: string) {
    this.#child = child;
    this.#name = name;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#out += text;
      this.#said();
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#err += text));
  }

  /** Settles when it has said that it is ready. */
  async ready(): Promise<this> {
    await new Promise<void>((resolve, reject) => {
      this.#said = () => {
        if (this.#out.includes('ready\n')) resolve();
      };
      this.#child.once('close', () => {
        reject(new Error(`${this.#name} ended before it was ready: ${this.#err}`));
      });
      this.#said();
    });
    return this;
  }

  stop(): void {
    this.#child.kill('SIGTERM');
  }

  /** What it printed last, when it is over. */
  async result(): Promise<Result> {
    if (this.#child.exitCode === null && this.#child.signalCode === null)
      await new Promise((resolve) => this.#child.once('close', resolve));
    const last = this.#out.trim().split('\n').at(-1) ?? '';
    if (this.#child.exitCode !== 0 || !last.startsWith('{'))
      throw new Error(`${this.#name} failed (${this.#child.exitCode ?? 'killed'}): ${this.#err}${last}`);
    return JSON.parse(last) as Result;
  }
}

/** A pod and the address by which the other one reaches it. */
export interface Host {
  pod: string;
  address: string;
}

export interface LossResult {
  peer: boolean;
  sent: number;
  sendErrors: number;
  received: number;
  lost: number;
  gaps: number;
  longestGap: number;
  duplicates: number;
  reordered: number;
  maxGapMs: number;
  rcvbufErrors: number;
  otherErrors: number;
  seconds: number;
}

/** Numbered datagrams both ways, until `stop`. */
export class Datagrams {
  readonly #both: readonly [Program<LossResult>, Program<LossResult>];

  private constructor(both: readonly [Program<LossResult>, Program<LossResult>]) {
    this.#both = both;
  }

  /** Settles when both sides hear each other. `rate` is of each direction, per second. Ends after `seconds` at the latest. */
  static async start(
    pods: Pods,
    left: Host,
    right: Host,
    rate: number,
    more: { port?: number; seconds?: number } = {},
  ): Promise<Datagrams> {
    const { port = 4000, seconds = 120 } = more;
    const from = (here: Host, there: Host): Program<LossResult> => {
      const args = ['--to', there.address, '--rate', String(rate), '--port', String(port)];
      args.push('--seconds', String(seconds));
      return new Program(pods.spawn(here.pod, tool('seqloss'), ...args), `seqloss in ${here.pod}`);
    };
    const datagrams = new Datagrams([from(left, right), from(right, left)]);
    await Promise.all(datagrams.#both.map((program) => program.ready()));
    return datagrams;
  }

  /** Ends both sides and returns what each received, the left one first. */
  async stop(): Promise<readonly [LossResult, LossResult]> {
    this.#both[0].stop();
    return Promise.all([this.#both[0].result(), this.#both[1].result()]);
  }
}

export interface HashResult {
  bytes: number;
  hash: string;
  seconds: number;
  complete: boolean;
}

export interface StreamOptions {
  mbytes?: number;
  /** Megabits a second; 0 is as fast as possible. */
  mbits?: number;
  /** After this many the giver has given all it will, and both are cut off. */
  seconds?: number;
  port?: number;
}

/** A TCP stream that is hashed on both sides. */
export class Stream {
  readonly #taker: Program<HashResult>;
  readonly #giver: Program<HashResult>;

  private constructor(taker: Program<HashResult>, giver: Program<HashResult>) {
    this.#taker = taker;
    this.#giver = giver;
  }

  static async start(pods: Pods, from: Host, to: Host, options: StreamOptions = {}): Promise<Stream> {
    const { mbytes = 50, mbits = 0, seconds = 60, port = 5002 } = options;
    const common = ['--port', String(port), '--seconds', String(seconds)];
    const taker = new Program<HashResult>(
      pods.spawn(to.pod, tool('tcp-hash'), 'take', ...common),
      `tcp-hash take in ${to.pod}`,
    );
    await taker.ready();
    const give = [
      'give',
      '--to',
      to.address,
      '--mbytes',
      String(mbytes),
      '--mbits',
      String(mbits),
      ...common,
    ];
    return new Stream(
      taker,
      new Program(pods.spawn(from.pod, tool('tcp-hash'), ...give), `tcp-hash give in ${from.pod}`),
    );
  }

  /** The giver ends its stream in good order. */
  stop(): void {
    this.#giver.stop();
  }

  /** Both sides' accounts, the giver's first, once the stream is over. */
  async result(): Promise<readonly [HashResult, HashResult]> {
    return Promise.all([this.#giver.result(), this.#taker.result()]);
  }
}

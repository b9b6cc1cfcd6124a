import { expect } from '@jest/globals';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { connectUnix } from '../../../src/net/unix/connect.ts';
import {
  listenUnix,
  type ListenOptions,
  type Refused,
  type UnixListener,
} from '../../../src/net/unix/listen.ts';
import type { UnixStream } from '../../../src/net/unix/stream.ts';
import { openFds } from '../../fds.ts';
import { eventually } from '../../pods.ts';
import { PythonPeer } from './peer.ts';

/** Descriptors of this process that matter here: what libuv opens for itself is of another kind. */
const countFds = (): number =>
  [...openFds().values()].filter((target) => !/^(anon_inode:\[event|\/dev\/|pipe:)/.test(target)).length;

/** Listeners and connections of one test, in a directory of their own. */
export class Sockets {
  readonly folder = mkdtempSync('/run/unix-');
  readonly path = `${this.folder}/a.sock`;
  readonly accepted: UnixStream[] = [];
  readonly refused: Refused[] = [];
  readonly #fds = countFds();
  readonly #listeners: UnixListener[] = [];
  readonly #streams: UnixStream[] = [];
  readonly #peers: PythonPeer[] = [];

  constructor() {
    // Peers of other users come here too.
    chmodSync(this.folder, 0o755);
  }

  listen(options: Partial<ListenOptions> = {}): UnixListener {
    const listener = listenUnix({
      path: this.path,
      mode: 0o666,
      onConnection: (stream) => {
        this.accepted.push(stream);
      },
      onRefused: (why) => {
        this.refused.push(why);
      },
      ...options,
    });
    this.#listeners.push(listener);
    return listener;
  }

  async connect(): Promise<UnixStream> {
    const stream = await connectUnix(this.path, AbortSignal.timeout(20_000));
    this.#streams.push(stream);
    return stream;
  }

  /** The next connection that `listen` accepts. */
  async next(): Promise<UnixStream> {
    const known = this.accepted.length;
    return eventually(() => {
      const stream = this.accepted[known];
      if (stream === undefined) throw new Error('nobody has connected');
      return stream;
    });
  }

  /** Both ends of one connection: ours, and the listener's. */
  async pair(): Promise<[UnixStream, UnixStream]> {
    const next = this.next();
    const client = await this.connect();
    return [client, await next];
  }

  /** Another process that knows the path and has not connected yet. */
  python(...command: string[]): PythonPeer {
    const peer = new PythonPeer(this.path, command);
    this.#peers.push(peer);
    return peer;
  }

  /** Another process, connected, and our end of it. */
  async pythonPair(...command: string[]): Promise<[PythonPeer, UnixStream]> {
    const peer = this.python(...command);
    const next = this.next();
    await peer.do('s = connect()');
    return [peer, await next];
  }

  /** Destroys all, and fails if any descriptor is left. */
  async close(): Promise<void> {
    for (const peer of this.#peers) peer.close();
    for (const stream of [...this.#streams, ...this.accepted]) stream.destroy();
    for (const listener of this.#listeners) listener.close();
    rmSync(this.folder, { recursive: true, force: true });
    await eventually(() => {
      // Fewer are no leak: what was still being closed when they were counted has gone.
      expect(countFds()).toBeLessThanOrEqual(this.#fds);
    });
  }
}

/** What has come so far; the stream may still be paused and resumed. */
export function collect(stream: Readable): { readonly chunks: Buffer[]; length: number } {
  const received = { chunks: [] as Buffer[], length: 0 };
  stream.on('data', (chunk: Buffer) => {
    received.chunks.push(chunk);
    received.length += chunk.length;
  });
  return received;
}

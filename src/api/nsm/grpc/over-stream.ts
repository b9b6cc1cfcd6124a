import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { CallCredentials, ChannelCredentials, type experimental } from '@grpc/grpc-js';
import type { UnixStream } from '../../../net/unix/stream.ts';

/** Has what Node's http2 asks of a socket that a Duplex lacks. */
const standsIn = (stream: Duplex): stream is Socket =>
  ['setNoDelay', 'setKeepAlive', 'setTimeout', 'ref', 'unref'].every((method) => method in stream);

/**
 * Lets a channel of grpc-js speak over a stream that is connected already, once. There is no public way to
 * hand it one: it opens a socket of its own and asks its credentials to secure it, and these, which secure
 * nothing, put the stream in its place. descriptors.test.ts says that this works with the release in package.json.
 */
export class OverStream extends ChannelCredentials {
  #stream: UnixStream | null;

  constructor(stream: UnixStream) {
    super();
    this.#stream = stream;
  }

  override _isSecure(): boolean {
    return false;
  }

  override _equals(other: ChannelCredentials): boolean {
    return other === this;
  }

  override _createSecureConnector(
    _target: unknown,
    _options: unknown,
    callCredentials = CallCredentials.createEmpty(),
  ): experimental.SecureConnector {
    return {
      connect: async (socket) => {
        socket.destroy();
        const stream = this.#stream;
        this.#stream = null;
        if (stream === null) throw new Error('The connection has ended');
        if (!standsIn(stream)) throw new Error('The stream cannot stand in for a socket');
        return { socket: stream, secure: false };
      },
      waitForReady: async () => undefined,
      getCallCredentials: () => callCredentials,
      destroy: () => undefined,
    };
  }
}

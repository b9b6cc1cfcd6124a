import type { Socket } from 'node:net';
import { CallCredentials, ChannelCredentials, type experimental } from '@grpc/grpc-js';
import type { UnixStream } from '../../../net/unix/stream.ts';

/**
 * Lets a channel of grpc-js speak over a stream that is connected already, once. There is no public way to
 * hand it one: it opens a socket of its own and asks its credentials to secure it, and these, which secure
 * nothing, put the stream in its place. channel.test.ts says that this works with the release in package.json.
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
        // What grpc-js and Node's http2 ask of it, a Duplex has too.
        return { socket: stream as unknown as Socket, secure: false };
      },
      waitForReady: async () => undefined,
      getCallCredentials: () => callCredentials,
      destroy: () => undefined,
    };
  }
}

import type { Socket } from 'node:net';
import { type CallCredentials, ChannelCredentials, type experimental } from '@grpc/grpc-js';

/**
 * Credentials that know the sockets they secure. grpc-js lets go of one on which nobody has spoken HTTP/2 yet without
 * closing it when its channel is closed: that would hold this process, and a place at the other end, until the other
 * end gives up.
 */
export class HeldSockets extends ChannelCredentials {
  readonly #inner: ChannelCredentials;
  readonly #open = new Set<Socket>();
  #over = false;

  constructor(inner: ChannelCredentials) {
    super();
    this.#inner = inner;
  }

  /** Ends them, and those that are still to come. */
  cut(): void {
    this.#over = true;
    for (const socket of this.#open) socket.destroy();
  }

  override _isSecure(): boolean {
    return this.#inner._isSecure();
  }

  override _equals(other: ChannelCredentials): boolean {
    return other === this;
  }

  override _createSecureConnector(
    ...args: Parameters<ChannelCredentials['_createSecureConnector']>
  ): experimental.SecureConnector {
    const inner = this.#inner._createSecureConnector(...args);
    return {
      connect: async (socket) => {
        if (this.#over) {
          socket.destroy();
          throw new Error('The channel was closed');
        }
        this.#open.add(socket);
        socket.once('close', () => this.#open.delete(socket));
        return inner.connect(socket);
      },
      waitForReady: () => inner.waitForReady(),
      getCallCredentials: (): CallCredentials => inner.getCallCredentials(),
      destroy: () => {
        inner.destroy();
      },
    };
  }
}

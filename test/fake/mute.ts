import { once } from 'node:events';
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';

/** A server that accepts connections and never says a word. */
export class Mute {
  /** What it accepted and nobody has closed. */
  readonly open = new Set<Socket>();
  readonly server: Server = createServer((socket) => {
    this.open.add(socket);
    socket.on('error', () => undefined).once('close', () => this.open.delete(socket));
    socket.resume();
  });

  /** A unix socket's path, or a port of 127.0.0.1; 0 takes a free one. */
  static async at(where: string | number): Promise<Mute> {
    const mute = new Mute();
    if (typeof where === 'number') mute.server.listen(where, '127.0.0.1');
    else mute.server.listen(where);
    await once(mute.server, 'listening');
    return mute;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Settles when the place is free. */
  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    for (const socket of this.open) socket.destroy();
    await closed;
  }
}

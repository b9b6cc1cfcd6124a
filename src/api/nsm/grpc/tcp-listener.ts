import { type Server, type Socket, createServer } from 'node:net';
import { experimental } from '@grpc/grpc-js';
import type { Failure } from '../../../features/failure.ts';
import { known } from './callers.ts';
import { type Listener, type Place, cannotListen, sparingly } from './listener.ts';
import { type Tls, serverCredentials } from './tls.ts';
import { type Address, hostPort, refusePlaintext } from './url.ts';

export async function listenTcp(
  place: Place,
  url: string,
  { host, port }: Address & { kind: 'tcp' },
  tls: Tls | null,
): Promise<Listener> {
  const { server, gate, callers, limits, log } = place;
  if (tls === null) refusePlaintext(url, host);
  const injector = server.createConnectionInjector(
    experimental.createServerCredentialsWithInterceptors(serverCredentials(tls), [
      gate.interceptor((call) => known({ kind: 'tcp', address: call.getPeer() })),
    ]),
  );
  const open = new Set<Socket>();
  const refused = sparingly(log, 'connection refused');

  const listening = createServer((socket) => {
    const address = hostPort(socket.remoteAddress ?? 'unknown', socket.remotePort ?? 0);
    let leave: () => void;
    try {
      leave = callers.enter(known({ kind: 'tcp', address }).name, 'connections');
    } catch (error) {
      refused({ url, address, why: (error as Failure).message });
      socket.destroy();
      return;
    }
    open.add(socket);
    socket.on('error', (err) => {
      log.debug({ err, caller: address }, 'connection failed');
    });
    socket.once('close', () => {
      leave();
      open.delete(socket);
    });
    injector.injectConnection(socket);
  });
  listening.maxConnections = limits.connections;
  listening.on('drop', (dropped) => {
    refused({ url, limit: limits.connections, address: dropped?.remoteAddress });
  });
  await bound(listening, url, host, port);
  const address = listening.address();
  if (address === null || typeof address === 'string') throw cannotListen(url, new Error('no address'));
  listening.on('error', (err) => {
    log.error({ err, url }, 'listening failed');
  });
  return {
    url: `tcp://${hostPort(host, address.port)}`,
    get connections() {
      return open.size;
    },
    close: () =>
      new Promise((resolve) => {
        listening.close(() => {
          resolve();
        });
      }),
    cut() {
      for (const socket of open) socket.destroy();
    },
  };
}

function bound(listening: Server, url: string, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => {
      reject(cannotListen(url, error));
    };
    listening.once('error', failed);
    listening.listen(port, host, () => {
      listening.off('error', failed);
      resolve();
    });
  });
}

import { experimental } from '@grpc/grpc-js';
import { listenUnix } from '../../../net/unix/listen.ts';
import type { UnixStream } from '../../../net/unix/stream.ts';
import { callerText, known } from './callers.ts';
import { type Listener, type Place, cannotListen, sparingly } from './listener.ts';
import { serverCredentials } from './tls.ts';

export function listenUnixSocket(place: Place, url: string, path: string, mode: number): Listener {
  const { server, gate, limits, log } = place;
  const open = new Set<UnixStream>();
  let onEmpty: () => void = () => undefined;
  const refused = sparingly(log, 'connection refused');
  const dropped = sparingly(log, 'passed descriptors closed unseen');

  // An injector for each connection: grpc-js tells a handler nothing of a stream that is no net.Socket, but
  // its interceptors, which belong to the injector, can know the stream.
  const onConnection = (stream: UnixStream): void => {
    open.add(stream);
    const whose = known({ kind: 'unix', peer: stream.peer, stream });
    const injector = server.createConnectionInjector(
      experimental.createServerCredentialsWithInterceptors(serverCredentials(null), [
        gate.interceptor(() => whose),
      ]),
    );
    stream.on('error', (err) => {
      log.debug({ err, caller: callerText(whose.caller) }, 'connection failed');
    });
    stream.once('close', () => {
      injector.destroy();
      open.delete(stream);
      if (open.size === 0) onEmpty();
    });
    injector.injectConnection(stream);
  };

  const listening = (() => {
    try {
      return listenUnix({
        path,
        mode,
        maxConnections: limits.connections,
        onConnection,
        onRefused: (why) => {
          refused(
            why.kind === 'failed'
              ? { err: why.error, url }
              : { url, limit: why.limit, of: why.kind, pid: why.peer.pid, uid: why.peer.uid },
          );
        },
        onDropped: (stream, total) => {
          dropped({ url, pid: stream.peer.pid, uid: stream.peer.uid, total });
        },
      });
    } catch (error) {
      throw cannotListen(url, error);
    }
  })();
  return {
    url,
    get connections() {
      return open.size;
    },
    close() {
      listening.close();
      return new Promise((resolve) => {
        onEmpty = resolve;
        if (open.size === 0) resolve();
      });
    },
    cut() {
      for (const stream of open) stream.destroy();
    },
  };
}

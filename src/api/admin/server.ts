import { join } from 'node:path';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { type Logger } from 'pino';
import { type AdminAgent } from './agent.ts';
import { handle } from './handlers.ts';
import { maxRequestBytes, maxResponseBytes, maxStreams } from './limits.ts';
import { listen } from './socket.ts';
import { Watchers } from './watchers.ts';

export interface AdminServer {
  socketPath: string;
  /**
   * Takes no more calls, ends the watches, waits for calls at work and removes the socket. Calls that
   * take longer than `graceMs` are cut off.
   */
  close(graceMs: number): Promise<void>;
}

export const adminSocketPath = (runDir: string, instance: string): string =>
  join(runDir, instance, 'admin.sock');

/**
 * Serves an agent on its admin socket; who can open the socket may do everything. Throws Failure where
 * another agent already answers there. The caller closes it before the agent stops.
 */
export async function serveAdmin(agent: AdminAgent, socketPath: string, log: Logger): Promise<AdminServer> {
  const grpc = new Server({
    'grpc.max_receive_message_length': maxRequestBytes,
    'grpc.max_send_message_length': maxResponseBytes,
    'grpc.max_concurrent_streams': maxStreams,
    'grpc.enable_channelz': 0,
  });
  const watchers = new Watchers(agent.wires);
  handle(grpc, agent, watchers, log);
  // grpc-js would bind by itself, but asynchronously: no umask could be put around it.
  const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure());
  const listener = await listen(socketPath, (socket) => {
    injector.injectConnection(socket);
  });
  listener.on('error', (err) => {
    log.error({ err }, 'admin socket failed');
  });

  const close = async (graceMs: number): Promise<void> => {
    const unlinked = new Promise<void>((resolve) =>
      listener.close(() => {
        resolve();
      }),
    );
    watchers.close();
    const force = setTimeout(() => {
      grpc.forceShutdown();
    }, graceMs);
    await new Promise<void>((resolve) => {
      grpc.tryShutdown(() => {
        resolve();
      });
    });
    clearTimeout(force);
    await unlinked;
  };
  return { socketPath, close };
}

import type { Socket } from 'node:net';
import { join } from 'node:path';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import type { AdminAgent } from './agent.ts';
import { Answers } from './answers.ts';
import { handle } from './handlers.ts';
import { maxRequestBytes, maxResponseBytes, maxStreams } from './limits.ts';
import { listen } from './socket.ts';

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
  const streams = handle(new Answers(grpc, log), agent);
  // grpc-js would bind by itself, but asynchronously: no umask could be put around it.
  const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure());
  const open = new Set<Socket>();
  const listener = await listen(socketPath, (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    injector.injectConnection(socket);
  });
  listener.on('error', (err) => {
    log.error({ err }, 'admin socket failed');
  });

  const close = async (graceMs: number): Promise<void> => {
    streams.close();
    const gone = new Promise<void>((resolve) => {
      listener.close(() => {
        resolve();
      });
    });
    const force = setTimeout(() => {
      grpc.forceShutdown();
      // Who connected and never spoke HTTP/2 has no session that could be shut down.
      for (const socket of open) socket.destroy();
    }, graceMs);
    grpc.tryShutdown(() => undefined);
    // The last socket to close is the end, whatever the sessions on them say.
    await gone;
    clearTimeout(force);
  };
  return { socketPath, close };
}

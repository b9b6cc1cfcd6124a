import { type ChannelOptions, Client, connectivityState } from '@grpc/grpc-js';
import type { UnixStream } from '../../../net/unix/stream.ts';
import { connectUnix } from '../../../net/unix/connect.ts';
import { Unreachable } from '../../unreachable.ts';
import { HeldSockets } from './held-sockets.ts';
import { clientPingMs, defaultLimits, longestTimerMs, maxResponseBytes } from './limits.ts';
import { OverStream } from './over-stream.ts';
import { type Tls, clientCredentials } from './tls.ts';
import { hostPort } from './url.ts';

/** One way to a server: over one unix stream, or over tcp connections that grpc-js makes and remakes. */
export interface Channel {
  readonly client: Client;
  readonly stream: UnixStream | null;
  /** Whether it is connected now, as far as is known here. */
  readonly isUp: boolean;
  /**
   * Settles when it is connected, or cannot be: then calls on it fail at once and say why. Rejects with the signal's
   * reason.
   */
  settled(signal: AbortSignal): Promise<void>;
  /** A call begins; the returned function says that it is over. A channel without calls holds no process open. */
  busy(): () => void;
  close(): void;
}

const options: ChannelOptions = {
  'grpc.max_receive_message_length': maxResponseBytes,
  'grpc.max_send_message_length': maxResponseBytes,
  'grpc.enable_channelz': 0,
  'grpc.enable_http_proxy': 0,
  'grpc.enable_retries': 0,
  'grpc.service_config_disable_resolution': 1,
  // Another client of the same server has other descriptors and is another caller.
  'grpc.use_local_subchannel_pool': 1,
};

/** Client.waitForReady waits through failed attempts too, and grpc-js itself waits for HTTP/2 for ever. */
function settled(client: Client, signal: AbortSignal): Promise<void> {
  const channel = client.getChannel();
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      reject(signal.reason as Error);
    };
    const look = (): void => {
      if (signal.aborted) return;
      const state = channel.getConnectivityState(true);
      if (state === connectivityState.IDLE || state === connectivityState.CONNECTING) {
        channel.watchConnectivityState(state, Infinity, look);
        return;
      }
      signal.removeEventListener('abort', abort);
      resolve();
    };
    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
    else look();
  });
}

/** Lives as long as its stream. Throws what connectUnix does, the signal's reason, or Unreachable of who hung up. */
export async function unixChannel(path: string, signal: AbortSignal): Promise<Channel> {
  const stream = await connectUnix(path, signal);
  const client = new Client(`unix:${path}`, new OverStream(stream), {
    ...options,
    // Half an hour without a call would end the connection, and the next call find it gone.
    'grpc.client_idle_timeout_ms': longestTimerMs,
  });
  // What failed is what the calls on it say.
  stream.on('error', () => undefined);
  stream.once('close', () => {
    client.close();
  });
  let calls = 0;
  const channel: Channel = {
    client,
    stream,
    get isUp() {
      return !stream.destroyed;
    },
    settled: (until) => settled(client, until),
    busy() {
      if (calls++ === 0) stream.ref();
      return () => {
        if (--calls === 0) stream.unref();
      };
    },
    close() {
      client.close();
      stream.destroy();
    },
  };
  try {
    await channel.settled(signal);
  } catch (error) {
    channel.close();
    throw error;
  }
  if (stream.destroyed) {
    const url = `unix://${path}`;
    const why = stream.errored?.message ?? 'the connection ended before HTTP/2 was spoken';
    throw new Unreachable(`No answer from '${url}': ${why}`, url, stream.errored);
  }
  stream.unref();
  return channel;
}

export function tcpChannel(host: string, port: number, tls: Tls | null): Channel {
  const sockets = new HeldSockets(clientCredentials(tls));
  const client = new Client(`dns:${hostPort(host, port)}`, sockets, {
    ...options,
    'grpc.keepalive_time_ms': clientPingMs,
    'grpc.keepalive_timeout_ms': defaultLimits.pingTimeoutMs,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 5_000,
  });
  return {
    client,
    stream: null,
    get isUp() {
      return client.getChannel().getConnectivityState(false) === connectivityState.READY;
    },
    settled: (signal) => settled(client, signal),
    busy: () => () => undefined,
    close() {
      client.close();
      sockets.cut();
    },
  };
}

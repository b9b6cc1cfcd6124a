import { type ChannelCredentials, type ChannelOptions, Client } from '@grpc/grpc-js';
import type { UnixStream } from '../../../net/unix/stream.ts';
import { connectUnix } from '../../../net/unix/connect.ts';
import { clientPingMs, defaultLimits, maxResponseBytes } from './limits.ts';
import { OverStream } from './over-stream.ts';
import { type Tls, clientCredentials } from './tls.ts';
import { hostPort } from './url.ts';

/** One way to a server: over one unix stream, or over tcp connections that grpc-js makes and remakes. */
export interface Channel {
  readonly client: Client;
  readonly stream: UnixStream | null;
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

/** Half an hour without a call would end the connection, and the next call find it gone. */
const neverIdleMs = 2 ** 31 - 1;

/** Lives as long as its stream: `onClose` is called when that has ended. Throws what connectUnix does. */
export async function unixChannel(path: string, signal: AbortSignal, onClose: () => void): Promise<Channel> {
  const stream = await connectUnix(path, signal);
  const client = new Client(`unix:${path}`, new OverStream(stream), {
    ...options,
    'grpc.client_idle_timeout_ms': neverIdleMs,
  });
  // What failed is what the calls on it say.
  stream.on('error', () => undefined);
  stream.once('close', () => {
    client.close();
    onClose();
  });
  let calls = 0;
  stream.unref();
  return {
    client,
    stream,
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
}

export function tcpChannel(host: string, port: number, tls: Tls | null): Channel {
  const credentials: ChannelCredentials = clientCredentials(tls);
  const client = new Client(`dns:${hostPort(host, port)}`, credentials, {
    ...options,
    'grpc.keepalive_time_ms': clientPingMs,
    'grpc.keepalive_timeout_ms': defaultLimits.pingTimeoutMs,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 5_000,
  });
  return {
    client,
    stream: null,
    busy: () => () => undefined,
    close() {
      client.close();
    },
  };
}

import { type ConnectionHandle, type ConnectionUpdate, connectClient } from '../../client/index.ts';
import type { Granted, Requester, RequesterOptions, Update, Wanted } from './requester.ts';

const detailOf = ({ type, connection, error }: ConnectionUpdate): string => {
  if (error !== null) return error.message;
  if (type === 'down') return 'the endpoint is gone';
  if (type === 'closed') return 'the agent ended it';
  const addresses = connection.context?.ipContext?.srcIpAddrs ?? [];
  return [`endpoint '${connection.networkServiceEndpointName}'`, ...addresses].join(', ');
};

async function* updatesOf(handle: ConnectionHandle, signal: AbortSignal): AsyncIterable<Update> {
  for await (const update of handle.monitor(signal)) yield { type: update.type, detail: detailOf(update) };
}

function grantedOf(handle: ConnectionHandle): Granted {
  const { connection } = handle;
  const path = (connection.path?.pathSegments ?? []).map(({ name, id }) => ({ name, id }));
  return {
    // The agent is the next one on the path.
    id: path[1]?.id ?? handle.id,
    clientId: handle.id,
    service: connection.networkService,
    endpoint: handle.endpoint,
    payload: connection.payload,
    labels: connection.labels,
    path,
    interface: handle.interface,
    addresses: handle.addresses,
    peerAddresses: handle.peerAddresses,
    routes: (connection.context?.ipContext?.srcRoutes ?? []).map(({ prefix, nextHop }) =>
      nextHop === '' ? prefix : `${prefix} via ${nextHop}`,
    ),
    mtu: handle.mtu,
    updates: (signal) => updatesOf(handle, signal),
    close: () => handle.close(),
  };
}

/** What is null is left to the library. */
const given = <K extends string, T>(key: K, value: T | null): Partial<Record<K, T>> =>
  value === null ? {} : ({ [key]: value } as Record<K, T>);

/** The library for workloads as the command line uses it. */
export async function connect(options: RequesterOptions): Promise<Requester> {
  const { agent, name, waitMs, dialTimeoutMs, keep, signal } = options;
  const client = await connectClient({ agent, waitMs, dialTimeoutMs, signal, ...given('name', name) });
  return {
    request: async (wanted: Wanted, time) =>
      grantedOf(
        await client.request({
          service: wanted.service,
          labels: wanted.labels,
          id: wanted.id,
          keep,
          timeoutMs: time.timeoutMs,
          signal: time.signal,
          ...given('interface', wanted.interface),
          ...given('netns', wanted.netns),
          ...given('endpoint', wanted.endpoint),
          ...given('payload', wanted.payload),
          ...given('mtu', wanted.mtu),
          ...given('ttlMs', wanted.ttlMs),
        }),
      ),
    leave: () => client.leave(),
    close: () => client.close(),
  };
}

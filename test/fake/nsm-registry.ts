import { closeSync } from 'node:fs';
import type { Call, NsmServices } from '../../src/api/nsm/grpc/services.ts';
import { parseInodeUrl } from '../../src/api/nsm/inode-url.ts';
import { isEndpointAsked, isServiceAsked } from '../../src/api/nsm/registry/query.ts';
import type { RegistryStore } from '../../src/api/nsm/registry/store.ts';

const registrant = (call: Call) => ({
  owner: call.caller.kind === 'unix' ? `pid ${call.caller.peer.pid}` : call.caller.address,
});

/** A registry's services over the real store, which may be another one each time. */
export const registryServices = (
  store: () => RegistryStore,
): Omit<NsmServices, 'request' | 'close' | 'monitor'> => ({
  registerService: async (service, call) => store().registerService(service, registrant(call)),
  unregisterService: () => Promise.reject(new Error('No test asks for this')),
  async *findServices({ networkService: asked }) {
    for (const networkService of store().services.list())
      if (asked === undefined || isServiceAsked(asked, networkService))
        yield { $typeName: 'registry.NetworkServiceResponse', networkService, deleted: false };
  },
  registerEndpoint: async (record, call) => {
    if (call.caller.kind !== 'unix') throw new Error('No test asks over tcp');
    const identity = parseInodeUrl(record.url);
    if (identity === null) throw new Error(`No descriptor of '${record.url}'`);
    const fd = await call.caller.stream.descriptors.take(identity, call.signal);
    return store().registerEndpoint(record, {
      ...registrant(call),
      target: `unix:///proc/self/fd/${fd}`,
      release: () => {
        closeSync(fd);
      },
    });
  },
  unregisterEndpoint: async ({ name }, call) => {
    store().unregisterEndpoint(name, registrant(call));
  },
  async *findEndpoints({ networkServiceEndpoint: asked, watch }, call) {
    const fits = (record: Parameters<typeof isEndpointAsked>[1]): boolean =>
      asked === undefined || isEndpointAsked(asked, record);
    const query = { name: asked?.name ?? '', fits };
    const answer = (networkServiceEndpoint: Parameters<typeof fits>[0], deleted: boolean) => ({
      $typeName: 'registry.NetworkServiceEndpointResponse' as const,
      networkServiceEndpoint,
      deleted,
    });
    if (!watch) for (const record of store().endpoints.find(query)) yield answer(record, false);
    else
      for await (const { record, deleted } of store().endpoints.watch({
        ...query,
        ...registrant(call),
        signal: call.signal,
      }))
        yield answer(record, deleted);
  },
});

import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { until } from '../../../../test/nsm/place.ts';
import { endpoint, service } from '../../../../test/nsm/records.ts';
import { at, RegistryPlace } from '../../../../test/nsm/registry-place.ts';
import { NetworkServiceEndpointQuerySchema, NetworkServiceQuerySchema } from '../proto/registry_pb.ts';
import { maxLifeMs } from './limits.ts';

let place: RegistryPlace;
beforeEach(async () => {
  place = await RegistryPlace.open(() => false);
});
afterEach(async () => {
  await place.close();
});

async function found(asked: MessageInitShape<typeof NetworkServiceEndpointQuerySchema>): Promise<string[]> {
  const names: string[] = [];
  const query = create(NetworkServiceEndpointQuerySchema, asked);
  for await (const { networkServiceEndpoint } of place.client.findEndpoints(query))
    names.push(networkServiceEndpoint?.name ?? '');
  return names;
}

describe('services', () => {
  test('are registered, found and unregistered', async () => {
    expect(await place.client.registerService(service('a', [{}], ''))).toEqual(service('a', [{}]));
    await place.client.registerService(service('b', [], 'ETHERNET'));
    const names: string[] = [];
    for await (const { networkService, deleted } of place.client.findServices(
      create(NetworkServiceQuerySchema, { networkService: { payload: 'ETHERNET' } }),
    ))
      names.push(`${networkService?.name ?? ''} ${deleted}`);
    expect(names).toEqual(['b false']);
    await place.client.unregisterService(service('b'));
    await place.client.unregisterService(service('none'));
    expect(place.store.services.list()).toEqual([service('a', [{}])]);
  });

  test('that cannot be are refused with the field', async () => {
    await expect(place.client.registerService(service('a b'))).rejects.toMatchObject({
      code: 'invalid',
      field: 'name',
      message: `Field 'name' is "a b": allowed is 1 to 253 characters without white space and control characters`,
    });
  });

  test('believe nobody who says of himself who he is', async () => {
    const asked = { ...service('a'), pathIds: ['spiffe://somebody'] };
    expect(await place.client.registerService(asked)).toEqual(service('a'));
  });
});

describe('endpoints', () => {
  test('are registered with the URL they give, and lapse', async () => {
    const path = await place.listen('e.sock');
    const kept = await place.client.registerEndpoint(at(`unix://${path}`));
    expect(kept.url).toBe(`unix://${path}`);
    expect(kept.expirationTime && timestampMs(kept.expirationTime)).toBe(place.clock.now() + maxLifeMs);
    expect(await found({ networkServiceEndpoint: { networkServiceNames: ['a'] } })).toEqual(['e']);
    expect(await found({ networkServiceEndpoint: { networkServiceNames: ['b'] } })).toEqual([]);
    await place.clock.advance(maxLifeMs);
    expect(await found({})).toEqual([]);
    expect(place.targets.count).toBe(0);
  });

  test('end with the token of who registers', async () => {
    const path = await place.listen('e.sock');
    const expires = new Date(place.clock.now() + 5000);
    const kept = await place.client.registerEndpoint(at(`unix://${path}`), {
      token: { token: null, expires },
    });
    expect(kept.expirationTime && timestampMs(kept.expirationTime)).toBe(expires.getTime());
  });

  test('are unregistered', async () => {
    await place.registerByDescriptor(await place.listen('e.sock'));
    await place.client.unregisterEndpoint(endpoint('e'));
    await place.client.unregisterEndpoint(endpoint('e'));
    expect([await found({}), place.targets.count]).toEqual([[], 0]);
  });

  test('are watched until the reader leaves', async () => {
    const path = await place.listen('e.sock');
    const seen: string[] = [];
    const query = create(NetworkServiceEndpointQuerySchema, {
      networkServiceEndpoint: { name: 'e' },
      watch: true,
    });
    const reading = (async () => {
      for await (const { networkServiceEndpoint, deleted } of place.client.findEndpoints(query)) {
        seen.push(`${networkServiceEndpoint?.name ?? ''} ${deleted}`);
        if (deleted) break;
      }
    })();
    await until(() => place.store.endpoints.watchers === 1);
    await place.client.registerEndpoint(at(`unix://${path}`));
    await place.client.registerEndpoint(at(`unix://${path}`, 'other'));
    await place.clock.advance(maxLifeMs);
    await reading;
    expect(seen).toEqual(['e false', 'e true']);
    await until(() => place.store.endpoints.watchers === 0);
  });

  test('are not asked for with more than an endpoint may have', async () => {
    const labels = Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`l${i}`, '']));
    await expect(found({ networkServiceEndpoint: endpoint('', labels) })).rejects.toThrow(
      "Field 'network_service_labels.a' has 65 labels: allowed is at most 64",
    );
  });
});

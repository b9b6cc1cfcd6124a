import { create, toBinary } from '@bufbuild/protobuf';
import { Metadata, status } from '@grpc/grpc-js';
import { describe, expect, test } from '@jest/globals';
import { NsmPlace } from '../../../../test/nsm/place.ts';
import { StockClient } from '../../../../test/nsm/stock.ts';
import { NetworkServiceEndpointSchema } from '../proto/registry_pb.ts';
import { maxRegistryPathBytes } from './limits.ts';
import { registryPathOf, showRegistryPath } from './registry-path.ts';

const metadata = (path: string): Metadata => {
  const made = new Metadata();
  made.set('path', path);
  return made;
};

test.each([
  ['{}', 0, []],
  ['{"Index":0,"PathSegments":null}', 0, []],
  ['{"Index":1,"PathSegments":[{"token":"a.b.c"},{"token":""},{}]}', 1, ['a.b.c', '', '']],
  ['{"index":2,"pathSegments":[{"Token":"a"}],"more":true}', 2, ['a']],
])('%s', (text, index, tokens) => {
  expect(registryPathOf(metadata(text))).toEqual({ index, tokens });
});

test('none is none', () => {
  expect(registryPathOf(new Metadata())).toBeNull();
});

test("is written with NSM's keys, in what metadata can hold", () => {
  expect(showRegistryPath({ index: 0, tokens: ['a', 'ü'] }).get('path')).toEqual([
    '{"Index":0,"PathSegments":[{"token":"a"},{"token":"\\u00fc"}]}',
  ]);
});

test.each([
  ['{"Index":0,"PathSegments":[{"token":"secret"', 'it is not JSON'],
  ['7', "'' is not what it should be"],
  ['{"Index":-1}', "'index' is not what it should be"],
  ['{"PathSegments":{"token":"secret"}}', "'pathsegments' is not what it should be"],
  ['{"PathSegments":[{"token":7}]}', "'pathsegments.0.token' is not what it should be"],
  [
    ' '.repeat(maxRegistryPathBytes + 1),
    `it has ${maxRegistryPathBytes + 1} bytes, and ${maxRegistryPathBytes} are the limit`,
  ],
])('refused: %.60s', (text, why) => {
  expect(() => registryPathOf(metadata(text))).toThrow(
    expect.objectContaining({
      code: 'invalid',
      field: 'path',
      message: `Metadata 'path' is no path of a registration: ${why}`,
    }),
  );
});

describe('a registry', () => {
  const path = '/registry.NetworkServiceEndpointRegistry/Register';
  const bytes = Buffer.from(
    toBinary(NetworkServiceEndpointSchema, create(NetworkServiceEndpointSchema, { name: 'nse' })),
  );

  test('answers with the path it was given and its own segment', async () => {
    const place = await NsmPlace.open({ registerEndpoint: async (endpoint) => endpoint });
    const stock = new StockClient(`unix:${place.path}`);
    const given = metadata('{"Index":0,"PathSegments":[{"token":"a"}]}');
    const { initial } = await stock.call(path, bytes, given);
    expect(initial?.get('path')).toEqual(['{"Index":0,"PathSegments":[{"token":"a"},{"token":""}]}']);
    const without = await stock.call(path, bytes);
    expect(without.error).toBeNull();
    expect(without.initial?.get('path')).toEqual([]);
    const odd = await stock.call(path, bytes, metadata('{'));
    expect(odd.error).toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: "Metadata 'path' is no path of a registration: it is not JSON",
    });
    stock.close();
    await place.close();
  });

  test('is given one by the client, empty', async () => {
    const place = await NsmPlace.open({ registerEndpoint: async (endpoint) => endpoint });
    expect(
      await place.client.registerEndpoint(create(NetworkServiceEndpointSchema, { name: 'nse' })),
    ).toMatchObject({
      name: 'nse',
    });
    await place.close();
  });
});

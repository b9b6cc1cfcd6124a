import { describe, expect, test } from '@jest/globals';
import { create } from '@bufbuild/protobuf';
import type { Failure } from '../../../features/failure.ts';
import { MechanismSchema, type ConnectionSchema } from '../proto/connection_pb.ts';
import { NetworkServiceRequestSchema } from '../proto/networkservice_pb.ts';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { checkRequest } from './checked.ts';

const many = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`key-${i}`, 'v']));

function refusal(connection: MessageInitShape<typeof ConnectionSchema>): Failure {
  const request = create(NetworkServiceRequestSchema, {
    connection: { networkService: 'web', ...connection },
  });
  try {
    checkRequest(request);
  } catch (error) {
    return error as Failure;
  }
  throw new Error('It was not refused');
}

describe('a request is looked at only if it is of a size that can be', () => {
  test('what is within the limits passes', () => {
    const request = create(NetworkServiceRequestSchema, {
      connection: { networkService: 'web', labels: many(64), payload: 'IP' },
      mechanismPreferences: [create(MechanismSchema, { cls: 'LOCAL', type: 'KERNEL' })],
    });
    expect(checkRequest(request)).toBe(request.connection);
  });

  test('10,000 label keys', () => {
    expect(refusal({ labels: many(10_000) })).toMatchObject({
      code: 'invalid',
      field: 'connection.labels',
      message: "connection.labels is '10000 entries': allowed is at most 64",
    });
  });

  test.each([
    [{ labels: { ['k'.repeat(300)]: 'v' } }, 'connection.labels[key]'],
    [{ labels: { app: 'v'.repeat(300) } }, "connection.labels['app']"],
    [{ id: 'i'.repeat(300) }, 'connection.id'],
    [{ networkService: 's'.repeat(300) }, 'connection.network_service'],
    [{ networkService: '' }, 'connection.network_service'],
    [{ networkServiceEndpointName: 'e'.repeat(300) }, 'connection.network_service_endpoint_name'],
    [{ payload: 'ATM' }, 'connection.payload'],
    [{ path: { pathSegments: Array.from({ length: 17 }, () => ({})) } }, 'connection.path.path_segments'],
    [{ context: { extraContext: many(65) } }, 'connection.context.extra_context'],
    [
      { context: { ipContext: { srcIpAddrs: Array.from({ length: 65 }, () => '10.0.0.1/32') } } },
      'connection.context.ip_context.src_ip_addrs',
    ],
    [
      { context: { ipContext: { policies: [{ routes: Array.from({ length: 65 }, () => ({})) }] } } },
      'connection.context.ip_context.policies[0].routes',
    ],
    [{ mechanism: { parameters: many(33) } }, 'connection.mechanism.parameters'],
  ])('%.60j', (connection, field) => {
    expect(refusal(connection)).toMatchObject({ code: 'invalid', field });
  });

  test('a long value is not repeated whole', () => {
    expect(refusal({ id: 'i'.repeat(100_000) }).message.length).toBeLessThan(200);
  });

  test('no connection at all', () => {
    expect(() => checkRequest(create(NetworkServiceRequestSchema))).toThrow(
      'connection is missing: a request is for a connection',
    );
  });

  test('too many preferences', () => {
    const mechanismPreferences = Array.from({ length: 17 }, () => create(MechanismSchema));
    const request = create(NetworkServiceRequestSchema, {
      connection: { networkService: 'web' },
      mechanismPreferences,
    });
    expect(() => checkRequest(request)).toThrow(
      "mechanism_preferences is '17 mechanisms': allowed is at most 16",
    );
  });
});

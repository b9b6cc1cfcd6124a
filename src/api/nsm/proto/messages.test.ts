import { readFileSync } from 'node:fs';
import { type JsonValue, createRegistry, fromBinary, toBinary, toJson } from '@bufbuild/protobuf';
import { expect, test } from '@jest/globals';
import { file_nsm_proto_connection } from './connection_pb.ts';
import { file_nsm_proto_networkservice } from './networkservice_pb.ts';
import { file_nsm_proto_registry } from './registry_pb.ts';

interface Sample {
  type: string;
  bytes: string;
  json: JsonValue;
}

/** Written by networkservicemesh/api v1.14.2 (Go): every field set, to its full name or a number made of its own. */
const samples = JSON.parse(
  readFileSync(new URL('../../../../test/nsm/messages.json', import.meta.url), 'utf8'),
) as Sample[];

const registry = createRegistry(
  file_nsm_proto_connection,
  file_nsm_proto_networkservice,
  file_nsm_proto_registry,
);

test.each(samples)("$type means here what it means in NSM's own code", ({ type, bytes, json }) => {
  const schema = registry.getMessage(type);
  if (schema === undefined) throw new Error(`No message ${type}`);
  const message = fromBinary(schema, Buffer.from(bytes, 'hex'));
  expect(message.$unknown).toBeUndefined();
  expect(toJson(schema, message, { useProtoFieldName: true })).toEqual(json);
  expect(Buffer.from(toBinary(schema, message)).toString('hex')).toBe(bytes);
});

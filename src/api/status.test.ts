import { describe, expect, test } from '@jest/globals';
import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { Failure, type FailureCode } from '../features/failure.ts';
import { errorTrailer, failureOf, statusOf } from './status.ts';

const answer = (code: status, details: string, trailer?: string): ServiceError => {
  const metadata = new Metadata();
  if (trailer !== undefined) metadata.set(errorTrailer, trailer);
  return Object.assign(new Error(details), { code, details, metadata });
};

test.each<[FailureCode, string | null, status]>([
  ['invalid', 'mtu', status.INVALID_ARGUMENT],
  ['not_found', 'wire', status.NOT_FOUND],
  ['refused', 'left.netns', status.FAILED_PRECONDITION],
  ['refused', null, status.FAILED_PRECONDITION],
  ['refused', 'connection', status.ALREADY_EXISTS],
  ['refused', 'right.name', status.ALREADY_EXISTS],
  ['denied', 'inodeURL', status.PERMISSION_DENIED],
  ['exhausted', null, status.RESOURCE_EXHAUSTED],
  ['unsupported', 'datapath', status.UNIMPLEMENTED],
  ['timeout', null, status.DEADLINE_EXCEEDED],
  ['failed', null, status.INTERNAL],
])('%s about %s', (code, field, grpc) => {
  const failure = new Failure(code, 'Why', field === null ? {} : { field });
  const said = statusOf(failure);
  expect(said).toMatchObject({ code: grpc, details: 'Why' });
  expect(JSON.parse(String(said.metadata.get(errorTrailer)[0]))).toEqual({
    code,
    field,
    value: null,
    allowed: null,
  });
});

describe('a status without our words', () => {
  test.each<[status, FailureCode]>([
    [status.INVALID_ARGUMENT, 'invalid'],
    [status.NOT_FOUND, 'not_found'],
    [status.ALREADY_EXISTS, 'refused'],
    [status.PERMISSION_DENIED, 'denied'],
    [status.UNAUTHENTICATED, 'denied'],
    [status.UNIMPLEMENTED, 'unsupported'],
    [status.DEADLINE_EXCEEDED, 'timeout'],
    [status.INTERNAL, 'failed'],
    [status.RESOURCE_EXHAUSTED, 'exhausted'],
    [status.DATA_LOSS, 'failed'],
  ])('%d', (grpc, code) => {
    expect(failureOf(answer(grpc, 'Why'))).toMatchObject({ code, message: 'Why', field: null });
  });

  test('nor any', () => {
    expect(failureOf(answer(status.ABORTED, ''))).toMatchObject({
      message: 'Call failed with gRPC status 10',
    });
  });
});

test.each(['{', 'null', '7', '{"code":"odd"}', '{"code":"invalid","field":7}'])(
  'a trailer that says %s is survived',
  (trailer) => {
    expect(failureOf(answer(status.INVALID_ARGUMENT, 'Why', trailer))).toMatchObject({
      code: 'invalid',
      message: 'Why',
      field: null,
    });
  },
);

import { Metadata } from '@grpc/grpc-js';
import { describe, expect, test } from '@jest/globals';
import { showToken, tokenOf } from './token.ts';

const metadata = (values: Readonly<Record<string, string>>): Metadata => {
  const made = new Metadata();
  for (const [key, value] of Object.entries(values)) made.set(key, value);
  return made;
};

test.each([
  ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05.000Z'],
  ['2026-01-02T03:04:05.678901234Z', '2026-01-02T03:04:05.678Z'],
  ['2026-01-02T03:04:05.6Z', '2026-01-02T03:04:05.600Z'],
  ['2026-01-02T05:04:05.678901234+02:00', '2026-01-02T03:04:05.678Z'],
  ['2026-01-02t03:04:05z', '2026-01-02T03:04:05.000Z'],
])('%s is a time', (given, read) => {
  const token = tokenOf(metadata({ 'nsm-client-token': 'a.b.c', 'nsm-client-token-expires': given }));
  expect({ token: token?.token, expires: token?.expires.toISOString() }).toEqual({
    token: 'a.b.c',
    expires: read,
  });
});

test('no token is none', () => {
  expect(tokenOf(metadata({ 'user-agent': 'grpc-go' }))).toBeNull();
});

test('an end alone is kept', () => {
  const expires = '2026-01-02T03:04:05Z';
  expect(tokenOf(metadata({ 'nsm-client-token-expires': expires }))).toEqual({
    token: null,
    expires: new Date(expires),
  });
});

test('what is shown is what is read', () => {
  const token = { token: 'a.b.c', expires: new Date('2026-01-02T03:04:05.678Z') };
  const shown = new Metadata();
  showToken(token, shown);
  expect(tokenOf(shown)).toEqual(token);
});

describe('refused is', () => {
  test.each(['', 'tomorrow', '2026-01-02', '2026-13-02T03:04:05Z', '2026-01-02T03:04:05', '1767322800'])(
    "'%s' as its end",
    (expires) => {
      expect(() => tokenOf(metadata({ 'nsm-client-token-expires': expires }))).toThrow(
        expect.objectContaining({
          code: 'invalid',
          field: 'nsm-client-token-expires',
          message: `Metadata 'nsm-client-token-expires' is '${expires}': allowed is a time of RFC 3339`,
        }),
      );
    },
  );

  test('a token without an end, and it is not repeated', () => {
    expect(() => tokenOf(metadata({ 'nsm-client-token': 'secret' }))).toThrow(
      "Metadata 'nsm-client-token' comes without 'nsm-client-token-expires': a token has an end",
    );
  });

  test('two tokens', () => {
    const twice = metadata({ 'nsm-client-token': 'a' });
    twice.add('nsm-client-token', 'b');
    expect(() => tokenOf(twice)).toThrow("Metadata 'nsm-client-token' is given 2 times: allowed is once");
  });
});

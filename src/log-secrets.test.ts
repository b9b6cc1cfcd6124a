import { expect, test } from '@jest/globals';
import { pino } from 'pino';
import { withoutSecrets } from './log-secrets.ts';

const jwt = `eyJ${'a'.repeat(20)}.eyJ${'b'.repeat(40)}.${'c'.repeat(43)}`;
const key = '-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----\n';

function logged(object: object, message = 'said'): Record<string, unknown> {
  let line = '';
  const write = (text: string): void => {
    line = withoutSecrets(text);
  };
  pino({ base: null, timestamp: false }, { write }).info(object, message);
  return JSON.parse(line) as Record<string, unknown>;
}

test('a line without secrets stays as it is', () => {
  const line = { conn: 'one', expires: 7, tokenLife: '10m', dst_public_key: 'abc', path: ['a', 'b"c'] };
  expect(logged(line)).toEqual({ level: 30, ...line, msg: 'said' });
});

test.each([
  ['at the top', { token: jwt }],
  ['deep in a path', { request: { connection: { path: { pathSegments: [{ token: 'plain' }, {}] } } } }],
  ['with a prefix', { metadata: { 'nsm-client-token': ['one', 'two"]'] } }],
  ['in other letters', { privateKey: 'x', private_key: 'y', Authorization: 'Bearer z' }],
  ['with quotes in it', { token: 'a"b\\' }],
])('a field %s', (_where, object) => {
  const shown = JSON.stringify(logged(object));
  expect(shown).toContain('"[redacted]"');
  expect(shown).not.toMatch(/plain|"one"|two|"x"|"y"|Bearer|a\\"b|eyJ/);
});

test.each([
  ['a token in a message', {}, `Refused ${jwt}: too old`, 'Refused [redacted]: too old'],
  ['a key in a message', {}, `Read ${key}`, 'Read [redacted]\n'],
  ['half a key', {}, key.slice(0, 40), '[redacted]'],
])('%s', (_what, object, message, msg) => {
  expect(logged(object, message).msg).toBe(msg);
});

test('a token in an error, its stack and what it carries', () => {
  const error = Object.assign(new Error(`bad ${jwt}`), { metadata: { token: ['t0p'] } });
  const shown = JSON.stringify(logged({ err: error }));
  expect(shown).not.toMatch(/eyJ|t0p/);
  expect(shown).toContain('bad [redacted]');
});

import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { selfSigned } from '../../../../test/net/unix/certificate.ts';
import { Failure } from '../../../features/failure.ts';
import { checkedTls, type Given } from './pem.ts';
import type { Tls } from './tls.ts';

const own = selfSigned();
const other = selfSigned();
const locked = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' },
}).privateKey;
const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';

const right = { ca: own.cert, cert: own.cert, key: own.key };

function check(change: Partial<Record<keyof Tls, string | Uint8Array>>, file: string | null = null): Tls {
  const given = { ...right, ...change };
  const part = (name: keyof Tls): Given => ({ field: `tls-${name}`, file, pem: given[name] });
  return checkedTls({ ca: part('ca'), cert: part('cert'), key: part('key') });
}

test('what fits together is taken as it is, as text or bytes, with what stands around it', () => {
  const ca = `# of two\n${other.cert}\n${own.cert}`;
  const cert = Buffer.from(own.cert + other.cert);
  const tls = check({ ca, cert });
  expect([tls.ca.toString(), tls.cert.equals(cert), tls.key.toString()]).toEqual([ca, true, own.key]);
});

test.each<[string, Partial<Record<keyof Tls, string>>, keyof Tls, string]>([
  [
    'a path',
    { ca: '/etc/ca.pem' },
    'ca',
    'tls-ca has no certificate: allowed is certificates of authorities as PEM, which',
  ],
  ['a key for an authority', { ca: own.key }, 'ca', 'tls-ca has no certificate: '],
  [
    'a torn authority behind a whole one',
    { ca: own.cert + broken },
    'ca',
    'tls-ca has a certificate that cannot be read (',
  ],
  ['a torn certificate', { cert: broken }, 'cert', 'tls-cert has a certificate that cannot be read ('],
  ['no key', { key: own.cert }, 'key', 'tls-key has no private key that can be read ('],
  ['a key that takes a passphrase', { key: locked }, 'key', 'tls-key has no private key that can be read ('],
  [
    'the key of another',
    { key: other.key },
    'key',
    'tls-key has another key than the certificate of tls-cert: allowed is the key of tls-cert as PEM',
  ],
])('%s is refused and not repeated', (_, change, name, message) => {
  let error: unknown;
  try {
    check(change);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(Failure);
  expect(error).toMatchObject({ code: 'invalid', field: `tls-${name}`, value: null });
  expect((error as Error).message).toContain(message);
  for (const line of Object.values(change)[0]?.split('\n') ?? [])
    if (line !== '') expect((error as Error).message).not.toContain(line);
});

test('a file is named', () => {
  expect(() => check({ key: other.key }, '/etc/tls.pem')).toThrow(
    "tls-key is '/etc/tls.pem', which has another key than the certificate of tls-cert: allowed is a PEM file with the key of tls-cert",
  );
});

import { X509Certificate, createPrivateKey, type KeyObject } from 'node:crypto';
import { Failure } from '../../../features/failure.ts';
import type { Tls } from './tls.ts';

/** PEM that somebody gave, and how. */
export interface Given {
  /** What it was given as, such as `tls-cert`. */
  readonly field: string;
  /** The file it is from; null where it was given itself, and is not repeated. */
  readonly file: string | null;
  readonly pem: string | Uint8Array;
}

const certificates = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

function refusal({ field, file }: Given, problem: string, takes: string, cause?: unknown): Failure {
  const allowed = file === null ? `${takes} as PEM, which is no path` : `a PEM file with ${takes}`;
  const what = file === null ? field : `${field} is '${file}', which`;
  return new Failure('invalid', `${what} ${problem}: allowed is ${allowed}`, {
    field,
    ...(file !== null && { value: file }),
    allowed,
    cause,
  });
}

const bytesOf = ({ pem }: Given): Buffer => Buffer.from(pem);

const textOf = (given: Given): string => bytesOf(given).toString('utf8');

/** The first of them, all of which can be read. */
function certificateOf(given: Given, takes: string): X509Certificate {
  const blocks = textOf(given).match(certificates) ?? [];
  try {
    const [first] = blocks.map((block) => new X509Certificate(block));
    if (first !== undefined) return first;
  } catch (error) {
    throw refusal(given, `has a certificate that cannot be read (${(error as Error).message})`, takes, error);
  }
  throw refusal(given, 'has no certificate', takes);
}

function keyOf(given: Given): KeyObject {
  try {
    return createPrivateKey(textOf(given));
  } catch (error) {
    const why = (error as Error).message;
    const takes = 'a private key without a passphrase';
    throw refusal(given, `has no private key that can be read (${why})`, takes, error);
  }
}

/** What TLS is to be spoken with. Throws Failure of what nobody could speak it with. */
export function checkedTls({ ca, cert, key }: Readonly<Record<keyof Tls, Given>>): Tls {
  certificateOf(ca, 'certificates of authorities');
  const own = certificateOf(cert, 'a certificate');
  if (!own.checkPrivateKey(keyOf(key)))
    throw refusal(key, `has another key than the certificate of ${cert.field}`, `the key of ${cert.field}`);
  return { ca: bytesOf(ca), cert: bytesOf(cert), key: bytesOf(key) };
}

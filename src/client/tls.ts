import { checkedTls, type Given } from '../api/nsm/grpc/pem.ts';
import type { Tls } from '../api/nsm/grpc/tls.ts';
import { Failure } from '../features/failure.ts';

/** What a client and an agent on `tcp://` show each other, each as PEM: a text, or the bytes of a file. */
export interface TlsOptions {
  /** Authorities, one of which must have signed the agent's certificate. */
  readonly ca: string | Uint8Array;
  /** This process's certificate, and behind it those that lead to an authority that the agent knows. */
  readonly cert: string | Uint8Array;
  /** The certificate's private key, without a passphrase. */
  readonly key: string | Uint8Array;
}

/** Null where none is given. Throws Failure of what nobody can speak TLS with, and where there is none to speak. */
export function tlsOf(given: TlsOptions | undefined, url: string): Tls | null {
  if (given === undefined) return null;
  if (url.startsWith('unix:'))
    throw new Failure('invalid', `tls is given, and the agent is '${url}': TLS is for tcp://HOST:PORT`, {
      field: 'tls',
      allowed: 'with an agent at tcp://HOST:PORT',
    });
  const part = (name: keyof Tls): Given => {
    const pem: unknown = given[name];
    const field = `tls.${name}`;
    if ((typeof pem === 'string' || pem instanceof Uint8Array) && pem.length > 0)
      return { field, file: null, pem };
    throw new Failure('invalid', `${field} is missing: TLS takes ca, cert and key, each as PEM`, {
      field,
      allowed: 'PEM, as a text or as bytes',
    });
  };
  return checkedTls({ ca: part('ca'), cert: part('cert'), key: part('key') });
}

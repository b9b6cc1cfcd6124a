import { type ChannelCredentials, ServerCredentials, credentials } from '@grpc/grpc-js';

/** PEM. Both sides show a certificate and accept one that `ca` has signed. */
export interface Tls {
  cert: Buffer;
  key: Buffer;
  ca: Buffer;
}

export const serverCredentials = (tls: Tls | null): ServerCredentials =>
  tls === null
    ? ServerCredentials.createInsecure()
    : ServerCredentials.createSsl(tls.ca, [{ private_key: tls.key, cert_chain: tls.cert }], true);

export const clientCredentials = (tls: Tls | null): ChannelCredentials =>
  tls === null ? credentials.createInsecure() : credentials.createSsl(tls.ca, tls.key, tls.cert);

import { isIPv4, isIPv6 } from 'node:net';
import { Failure } from '../../../features/failure.ts';

/** Where a process listens, as NSM writes it. */
export type Address =
  | { kind: 'unix'; path: string }
  /** `host` without brackets. */
  | { kind: 'tcp'; host: string; port: number };

const allowed = 'unix:///PATH or tcp://HOST:PORT';

export function addressOf(url: string): Address {
  const path = /^unix:\/\/(\/[^\0]*)$/.exec(url)?.[1];
  if (path !== undefined) return { kind: 'unix', path };
  const [, bracketed, plain, digits] = /^tcp:\/\/(?:\[([^\]]+)\]|([^:/[\]]+)):(\d{1,5})$/.exec(url) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  const wrong = host === undefined || port > 65_535 || (bracketed !== undefined && !isIPv6(bracketed));
  if (wrong)
    throw new Failure('invalid', `url is '${url}': allowed is ${allowed}`, {
      field: 'url',
      value: url,
      allowed,
    });
  return { kind: 'tcp', host, port };
}

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));

export const hostPort = (host: string, port: number): string =>
  isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;

/** What goes in the clear stays on the machine: messages hold tokens, and no kernel says who the peer is. */
export function refusePlaintext(url: string, host: string): void {
  if (isLoopback(host)) return;
  throw new Failure('refused', `url is '${url}': without TLS only loopback addresses are allowed`, {
    field: 'url',
    value: url,
    allowed: '127.0.0.0/8, ::1 or localhost, or TLS',
  });
}

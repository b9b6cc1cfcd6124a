import { isIP } from 'node:net';
import { Failure } from '../features/failure.ts';

const allowed = 'unix:///PATH or tcp://ADDRESS:PORT';
/** struct sockaddr_un has 108 bytes for the path and its final zero. */
const maxPath = 107;

function wrong(url: string, what: string): Failure {
  return new Failure('invalid', `'--listen ${url}': ${what}: it takes ${allowed}`, {
    field: 'listen',
    value: url,
    allowed,
  });
}

function unixUrl(url: string, path: string): string {
  if (!path.startsWith('/')) throw wrong(url, `the path '${path}' is not absolute`);
  if (Buffer.byteLength(path) > maxPath)
    throw wrong(url, `the kernel allows ${maxPath} bytes in the path of a socket`);
  return url;
}

function tcpUrl(url: string, place: string): string {
  const [, bracketed, bare = '', port = ''] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(place) ?? [];
  const address = bracketed ?? bare;
  if (isIP(address) !== (bracketed === undefined ? 4 : 6))
    throw wrong(url, 'it has no address, such as 127.0.0.1 or [::1], and port');
  if (Number(port) < 1 || Number(port) > 65535) throw wrong(url, `${port} is no port from 1 to 65535`);
  return url;
}

/** Checks where an agent shall listen for workloads and other agents; names are not looked up. */
export function listenUrlOf(url: string): string {
  const [, scheme, rest = ''] = /^([a-z]+):\/\/(.*)$/.exec(url) ?? [];
  if (scheme === 'unix') return unixUrl(url, rest);
  if (scheme === 'tcp') return tcpUrl(url, rest);
  throw wrong(url, scheme === undefined ? 'it is no URL' : `'${scheme}' is not known`);
}

/** Whoever reaches a plain port may register an endpoint under any name: only this machine shall. */
export function isLoopback(url: string): boolean {
  return /^unix:|^tcp:\/\/(127\.\d+\.\d+\.\d+|\[::1\]):/.test(url);
}

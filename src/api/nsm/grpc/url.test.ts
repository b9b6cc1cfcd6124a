import { expect, test } from '@jest/globals';
import { addressOf, hostPort, refusePlaintext } from './url.ts';

test.each([
  ['unix:///run/vwire/agent.sock', { kind: 'unix', path: '/run/vwire/agent.sock' }],
  ['unix:///proc/self/fd/7', { kind: 'unix', path: '/proc/self/fd/7' }],
  ['tcp://127.0.0.1:5001', { kind: 'tcp', host: '127.0.0.1', port: 5001 }],
  ['tcp://[::1]:0', { kind: 'tcp', host: '::1', port: 0 }],
  ['tcp://nsmgr.nsm-system.svc:5001', { kind: 'tcp', host: 'nsmgr.nsm-system.svc', port: 5001 }],
])('%s', (url, address) => {
  expect(addressOf(url)).toEqual(address);
});

test.each([
  '',
  '/run/vwire/agent.sock',
  'unix:/run/vwire/agent.sock',
  'unix://agent.sock',
  'unix:///a\0b',
  'inode://4/5',
  'http://127.0.0.1:80',
  'tcp://127.0.0.1',
  'tcp://127.0.0.1:70000',
  'tcp://::1:80',
  'tcp://[nsmgr]:80',
  'tcp://127.0.0.1:80/path',
])("'%s' is no address", (url) => {
  expect(() => addressOf(url)).toThrow(
    expect.objectContaining({
      code: 'invalid',
      field: 'url',
      message: `url is '${url}': allowed is unix:///PATH or tcp://HOST:PORT`,
    }),
  );
});

test.each(['127.0.0.1', '127.8.9.1', '::1', 'localhost'])('%s may be spoken to in the clear', (host) => {
  expect(() => {
    refusePlaintext('tcp://host:1', host);
  }).not.toThrow();
});

test.each(['0.0.0.0', '::', '192.0.2.1', 'nsmgr', '127.0.0.1.example.org'])(
  '%s may not be spoken to in the clear',
  (host) => {
    expect(() => {
      refusePlaintext(`tcp://${hostPort(host, 1)}`, host);
    }).toThrow(
      expect.objectContaining({
        code: 'refused',
        message: `url is 'tcp://${hostPort(host, 1)}': without TLS only loopback addresses are allowed`,
        allowed: '127.0.0.0/8, ::1 or localhost, or TLS',
      }),
    );
  },
);

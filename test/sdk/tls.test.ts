// A program and an agent on tcp, who show each other certificates:
//
//   connectClient({ agent: 'tcp://localhost:PORT', tls }) --- mutual TLS --- agent --listen tcp://127.0.0.1:PORT
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { connectClient, Unreachable } from '../../src/client/index.ts';
import { serveEndpoint } from '../../src/endpoint/index.ts';
import { failOnLeakedFds } from '../fds.ts';
import { selfSigned } from '../net/unix/certificate.ts';
import { AgentProcess } from '../wire/agent-process.ts';
import { devicesOf, SdkPlace } from './place.ts';

jest.setTimeout(120_000);
const place = new SdkPlace();
const { cert, key } = selfSigned();
let port = 0;

/** The agent's flags for these files. */
function flags(files: Readonly<Record<'cert' | 'key' | 'ca', string>>): string[] {
  return Object.entries(files).flatMap(([name, pem]) => {
    const path = join(place.runDir, `${name}.pem`);
    writeFileSync(path, pem, { mode: 0o600 });
    return [`--tls-${name}`, path];
  });
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port: free } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return free;
}

beforeAll(async () => {
  port = await freePort();
  const listen = ['--listen', place.url, '--listen', `tcp://127.0.0.1:${port}`];
  await place.start({ args: [...listen, ...flags({ cert, key, ca: cert })] });
});
afterAll(() => place.close());
failOnLeakedFds();

test('a program with a certificate is let in, and shown no way into a namespace', async () => {
  const [gate, red] = place.make('gate', 'red');
  const endpoint = await serveEndpoint({ service: 'lan', agent: place.url, netns: place.netns(gate) });
  const client = await connectClient({ agent: `tcp://localhost:${port}`, tls: { ca: cert, cert, key } });
  await expect(client.request({ service: 'lan', netns: place.netns(red) })).rejects.toMatchObject({
    code: 'denied',
    message: expect.stringMatching(
      /^mechanism_preferences\[0\]\.parameters\['inodeURL'\] is 'inode:\/\/\d+\/\d+': no descriptor can be passed on a connection that is no unix socket$/,
    ),
  });
  expect(devicesOf(red)).toEqual(['lo']);
  await client.close();
  await endpoint.close();
  place.clear();
});

test.each([
  ['a certificate of nobody it knows', () => ({ tls: { ...selfSigned(), ca: cert } })],
  ['none', () => ({})],
])('a program with %s is not', async (_, more) => {
  await expect(connectClient({ agent: `tcp://localhost:${port}`, ...more() })).rejects.toBeInstanceOf(
    Unreachable,
  );
});

test('an agent does not start with a key that is not its certificate’s', async () => {
  const other = { instance: `${place.instance}o`, runDir: place.runDir };
  const args = ['--listen', 'tcp://0.0.0.0:5001', ...flags({ cert, key: selfSigned().key, ca: cert })];
  await expect(AgentProcess.start(other, { args })).rejects.toThrow(
    `tls-key is '${place.runDir}/key.pem', which has another key than the certificate of tls-cert`,
  );
});

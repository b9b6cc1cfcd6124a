import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { chmodSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { endpoint, service } from '../../../../test/nsm/records.ts';
import { at, RegistryPlace } from '../../../../test/nsm/registry-place.ts';
import { NsmClient } from '../grpc/client.ts';

let place: RegistryPlace;
let trusted: boolean;
beforeEach(async () => {
  trusted = false;
  place = await RegistryPlace.open(() => trusted);
});
afterEach(async () => {
  await place.close();
  expect(place.targets.count).toBe(0);
});

const refused = (url: string, client = place.client): Promise<unknown> =>
  client.registerEndpoint(at(url)).then(
    () => null,
    (error: unknown) => error,
  );

test('is the file that the caller passes, also when its path is gone', async () => {
  const path = await place.listen('e.sock');
  const kept = await place.registerByDescriptor(path);
  expect(kept.url).toMatch(/^inode:\/\/\d+\/\d+$/);
  rmSync(path);
  const { target } = place.store.endpoint('e');
  expect(target).toMatch(/\/vwire-targets-\w+\/[0-9a-f]{16}$/);
  const dialled = new NsmClient({ url: target });
  await expect(dialled.registerService(service('a'))).rejects.toThrow(`No answer from '${target}'`);
  dialled.dispose();
});

test('is the file at the path as the caller sees it, behind its links', async () => {
  const path = await place.listen('e.sock');
  symlinkSync(path, place.path('link'));
  await place.client.registerEndpoint(at(`unix://${place.path('link')}`));
  const { target } = place.store.endpoint('e');
  await place.registerByDescriptor(path);
  expect([place.store.endpoint('e').target, place.targets.count]).toEqual([target, 1]);
});

test('stays the same while the same socket is registered, and costs no more descriptors', async () => {
  const path = await place.listen('e.sock');
  await place.client.registerEndpoint(at(`unix://${path}`));
  const { target } = place.store.endpoint('e');
  for (let i = 0; i < 20; i += 1) await place.client.registerEndpoint(at(`unix://${path}`));
  expect([place.store.endpoint('e').target, place.targets.count, place.openFiles]).toEqual([target, 1, 1]);
});

test('is the path itself for who is trusted, there or not yet', async () => {
  trusted = true;
  for (const path of [await place.listen('e.sock'), '/nonexistent/later.sock']) {
    await place.client.registerEndpoint(at(`unix://${path}`));
    expect([place.store.endpoint('e').target, place.targets.count]).toEqual([`unix://${path}`, 0]);
  }
});

test.each([
  ['', 'which nobody can be asked at'],
  ['http://localhost', 'which nobody can be asked at'],
  ['unix:relative', 'which nobody can be asked at'],
  ['tcp://:5000', 'which nobody can be asked at'],
  ['tcp://127.0.0.1', 'which nobody can be asked at'],
  ['tcp://127.0.0.1:0', 'which has no port'],
  ['inode://4', 'which nobody can be asked at'],
])('is not %j', async (url, problem) => {
  expect(await refused(url)).toMatchObject({
    code: 'invalid',
    field: 'url',
    message: `Field 'url' is '${url}', ${problem}: allowed is unix:///PATH, inode://DEV/INODE with its descriptor, tcp://HOST:PORT`,
  });
});

test('is no path where nothing or no socket is', async () => {
  writeFileSync(place.path('file'), '');
  for (const [name, code] of [
    ['none', 'ENOENT'],
    ['file', 'ENOTSOCK'],
    ['', 'ENOTSOCK'],
  ] as const) {
    const path = place.path(name);
    expect(await refused(`unix://${path}`)).toMatchObject({
      code: 'invalid',
      message: expect.stringContaining(
        `which cannot be opened as the caller sees it: Open '${path}' failed: ${code}`,
      ),
    });
  }
  trusted = true;
  expect(await refused(`unix://${place.path('file')}`)).toMatchObject({
    message: expect.stringContaining("which is no socket: allowed is a socket's path"),
  });
});

test('is not the agent itself, by whatever way', async () => {
  const own = expect.objectContaining({
    code: 'denied',
    message: expect.stringContaining('where the agent itself listens'),
  });
  symlinkSync(place.place.path, place.path('link'));
  expect(await refused(place.place.url)).toEqual(own);
  expect(await refused(`unix://${place.path('link')}`)).toEqual(own);
  await expect(place.registerByDescriptor(place.place.path)).rejects.toEqual(own);
  const port = place.place.server.urls[1]?.split(':').at(-1) ?? '';
  expect(await refused(`tcp://127.0.0.1:${port}`, place.tcp)).toEqual(own);
  trusted = true;
  expect(await refused(`unix://${place.path('link')}`)).toEqual(own);
  expect(await refused(`tcp://localhost:${port}`)).toEqual(own);
});

test('is no file whose descriptor did not come, or is of no socket’s file', async () => {
  expect(await refused('inode://4/1')).toMatchObject({
    code: 'invalid',
    message: expect.stringContaining(
      "Field 'url' is 'inode://4/1', but no descriptor of that file came with the call",
    ),
  });
  writeFileSync(place.path('file'), '');
  await expect(place.registerByDescriptor(place.path('file'))).rejects.toMatchObject({
    code: 'invalid',
    message: expect.stringContaining("whose descriptor is not of a socket's file"),
  });
});

test('is no address of another machine, and none at all for a caller that is not trusted', async () => {
  expect(await refused('tcp://127.0.0.1:4')).toMatchObject({
    code: 'denied',
    message:
      "Field 'url' is 'tcp://127.0.0.1:4', where only a trusted caller may have the agent connect: allowed is unix:///PATH or inode://DEV/INODE",
  });
  expect(await refused('tcp://192.0.2.1:4', place.tcp)).toMatchObject({
    code: 'denied',
    message:
      "Field 'url' is 'tcp://192.0.2.1:4', not the caller's own address 127.0.0.1: allowed is tcp://127.0.0.1:4",
  });
  expect(await refused('tcp://127.0.0.1:4', place.tcp)).toBeNull();
  expect(place.store.endpoint('e').target).toBe('tcp://127.0.0.1:4');
  await place.tcp.unregisterEndpoint(endpoint('e'));
  expect(await refused(`unix://${await place.listen('e.sock')}`, place.tcp)).toMatchObject({
    code: 'denied',
    message: expect.stringContaining(
      'a file that a caller over tcp does not show: allowed is tcp://HOST:PORT',
    ),
  });
});

test('that was refused leaves nothing open', async () => {
  const path = await place.listen('e.sock');
  place.store.registerEndpoint(at('', 'e'), { owner: 'agent', neverExpires: true });
  for (let i = 0; i < 5; i += 1) {
    expect(await refused(`unix://${path}`)).toMatchObject({ code: 'denied', field: 'name' });
    expect(await refused(place.place.url)).toMatchObject({ code: 'denied', field: 'url' });
    expect(await refused(`unix://${place.place.folder}/none`)).toMatchObject({
      code: 'invalid',
      field: 'url',
    });
  }
  expect([place.targets.count, place.openFiles]).toEqual([0, 0]);
});

// Root may connect to any socket.
test('is a socket that the caller may connect to itself', async () => {
  const path = await place.listen('e.sock');
  chmodSync(path, 0o400);
  const outcome = await refused(`unix://${path}`);
  if (process.getuid?.() === 0) expect(outcome).toBeNull();
  else
    expect(outcome).toMatchObject({
      code: 'denied',
      message: expect.stringMatching(/a socket of user \d+ to which the caller, user \d+, may not connect/),
    });
});

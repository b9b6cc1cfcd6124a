import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeClock } from '../../../../test/fake/clock.ts';
import { service } from '../../../../test/nsm/records.ts';
import type { ServiceSpec } from '../../../features/connection/api.ts';
import { NetworkServiceSchema } from '../proto/registry_pb.ts';
import { ServiceBook } from './service-book.ts';
import { keptServices } from './service-files.ts';
import { RegistryStore } from './store.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'vwire-registry-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

const start = (): RegistryStore => new RegistryStore({ clock: new FakeClock(), ...keptServices(directory) });
const file = (name: string): string => join(directory, 'state', 'services', name);

const spec: ServiceSpec = {
  name: 'secure/intranet',
  payload: 'ETHERNET',
  matches: [
    {
      source: { app: 'firewall' },
      routes: [{ destination: { app: 'gateway', node: '{{ .node }}' }, weight: 3 }],
      fallthrough: true,
      metadata: null,
    },
    { source: {}, routes: [], fallthrough: false, metadata: { p2p: 'true' } },
  ],
};

describe('the book', () => {
  test('puts, lists and removes what another agent then finds', async () => {
    const book = new ServiceBook(start().services);
    expect(await book.put(spec)).toEqual(spec);
    expect(book.list()).toEqual([spec]);
    const again = start();
    expect(new ServiceBook(again.services).list()).toEqual([spec]);
    expect(() => again.registerService(service('secure/intranet', [{}], 'ETHERNET'), { owner: 'o' })).toThrow(
      'was put by the administrator',
    );
    await new ServiceBook(again.services).remove('secure/intranet');
    expect(start().services.list()).toEqual([]);
  });

  test('replaces what is there', async () => {
    const book = new ServiceBook(start().services);
    await book.put(spec);
    const other = { ...spec, payload: 'IP', matches: [] };
    expect(await book.put({ ...other, payload: '' })).toEqual(other);
    expect(book.list()).toEqual([other]);
  });

  test('refuses what cannot be, and knows what it has', async () => {
    const book = new ServiceBook(start().services);
    await expect(book.put({ ...spec, name: 'a b' })).rejects.toThrow(`Field 'name' is "a b"`);
    await expect(
      book.put({
        ...spec,
        matches: [
          { source: {}, routes: [{ destination: {}, weight: 1.5 }], fallthrough: false, metadata: null },
        ],
      }),
    ).rejects.toThrow("Field 'matches[0].routes[0].weight' is 1.5");
    await expect(book.remove('none')).rejects.toThrow("Network service 'none' is not known");
    expect(book.list()).toEqual([]);
  });
});

describe('files', () => {
  test("keep a workload's service, its owners and the fields that are not known here", () => {
    const field99 = [0x98, 0x06, 0x07];
    const known = toBinary(NetworkServiceSchema, service('s'));
    const asked = fromBinary(NetworkServiceSchema, Uint8Array.from([...known, ...field99]));
    start().registerService(asked, { owner: 'netns 4:1' });
    const again = start();
    expect(again.services.get('s')).toEqual(asked);
    expect(again.services.get('s')?.$unknown).toHaveLength(1);
    expect(() => again.registerService(service('s', [{}]), { owner: 'netns 4:2' })).toThrow(
      'belongs to another',
    );
    expect(JSON.parse(readFileSync(file('s.json'), 'utf8'))).toMatchObject({
      fixed: false,
      owners: ['netns 4:1'],
    });
  });

  test('that are damaged are told and left alone', () => {
    const store = start();
    for (const name of ['a', 'b', 'c']) store.registerService(service(name), { owner: 'o' });
    const text = readFileSync(file('a.json'), 'utf8');
    writeFileSync(file('a.json'), text.replace(/"message":"[^"]*"/, '"message":"AAAA"'));
    writeFileSync(file('b.json'), text.replace('"name":"a"', '"name":"b"'));
    const { kept, unreadable } = keptServices(directory);
    expect(kept.map(({ record }) => record.name)).toEqual(['c']);
    expect(unreadable.map((u) => u.file)).toEqual([file('a.json'), file('b.json')]);
    expect(unreadable[1]?.problem).toBe("it is of service 'a'");
  });
});

import { afterAll, describe, expect, test } from '@jest/globals';
import { makePinDirectory } from '../../loader/pin.ts';
import { BpfObject } from '../../loader/object.ts';
import type { Layout } from '../../maps/layout.ts';
import * as layouts from '../../maps/layouts.gen.ts';
import { bindMaps } from '../../src/dataplane/kernel-maps.ts';
import { run } from '../pods.ts';
import { objectPath, skipLost } from './hop-object.ts';

const objects = ['tc_hop', 'xdp_hop', 'lost'] as const;

interface BtfType {
  kind: string;
  name: string;
  size?: number;
  values?: { name: string; val: number }[];
}
const typesOf = (object: string): BtfType[] =>
  (JSON.parse(run('bpftool', '-j', 'btf', 'dump', 'file', objectPath(object))) as { types: BtfType[] }).types;

type Struct = Pick<Layout<unknown>, 'name' | 'size'>;
const structs: Struct[] = [];
const enumerators = new Map<string, number>();
for (const value of Object.values(layouts)) {
  if ('encode' in value) structs.push(value);
  else for (const [name, number] of Object.entries(value)) enumerators.set(name, number);
}

describe('BTF of the shipped objects', () => {
  const types = objects.flatMap(typesOf);

  test.each(structs)('struct $name has the size of its codec in every object', ({ name, size }) => {
    const found = types.filter((type) => type.kind === 'STRUCT' && type.name === name);
    expect(found.length).toBeGreaterThan(0);
    expect(new Set(found.map((type) => type.size))).toEqual(new Set([size]));
  });

  test('enumerators have the values of TypeScript', () => {
    const known = types
      .filter((type) => type.kind === 'ENUM')
      .flatMap((type) => type.values ?? [])
      .filter(({ name }) => enumerators.has(name));
    expect(known.length).toBeGreaterThan(20);
    for (const { name, val } of known) expect({ name, val }).toEqual({ name, val: enumerators.get(name) });
  });
});

describe('loading', () => {
  const directory = '/sys/fs/bpf/objects';
  makePinDirectory(directory);
  const open: BpfObject[] = [];
  afterAll(() => {
    for (const object of open) object.close();
  });

  /** As an agent does it: what is pinned is shared, what is not is made and pinned. */
  const load = (name: string, sizes: Record<string, number>): number[] => {
    const object = BpfObject.open({ path: objectPath(name) });
    open.push(object);
    const maps = bindMaps(object, directory, sizes);
    skipLost(object);
    object.load();
    maps.loaded();
    return object.mapNames.map((map) => {
      const taken = object.takeMap(map);
      taken.close();
      return taken.info.id;
    });
  };

  test.each(objects)('%s: another version takes the maps of the one before, whatever their size', (name) => {
    const first = load(name, { hops: 64, counters: 64, drops: 64, ports: 64, watched: 64 });
    expect(load(name, {})).toEqual(first);
  });
});

import { afterEach, describe, expect, test } from '@jest/globals';
import { BpfMap, type MapShape } from '../../loader/map.ts';
import { walkedEntries } from '../../loader/map-batch.ts';
import { PerCpuMap } from '../../loader/map-percpu.ts';
import { possibleCpus } from '../../loader/cpus.ts';
import { listMaps } from '../../loader/listing.ts';
import { failOnLeakedFds } from '../fds.ts';
import { failure } from './failure.ts';

const made: BpfMap[] = [];
const make = (shape: Partial<MapShape> = {}): BpfMap => {
  const map = BpfMap.create({
    ...{ type: 'hash', name: 'ldr_map', keySize: 4, valueSize: 8, maxEntries: 16 },
    ...shape,
  });
  made.push(map);
  return map;
};
afterEach(() => {
  for (const map of made.splice(0)) map.close();
});

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
const u64 = (value: number): Buffer => Buffer.concat([u32(value), u32(0)]);
const pairs = (entries: Iterable<[Buffer, Buffer]>): [number, number][] =>
  Array.from(entries, ([key, value]): [number, number] => [key.readUInt32LE(), value.readUInt32LE()]).sort(
    ([a], [b]) => a - b,
  );
const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

describe('one entry', () => {
  test('is set, read, replaced and deleted', () => {
    const map = make();
    expect(map.get(u32(1))).toBeNull();
    expect(map.has(u32(1))).toBe(false);
    map.set(u32(1), u64(10));
    expect(map.get(u32(1))).toEqual(u64(10));
    map.set(u32(1), u64(11), 'exist');
    expect(map.get(u32(1))).toEqual(u64(11));
    expect(map.tryDelete(u32(1))).toBe(true);
    expect(map.tryDelete(u32(1))).toBe(false);
  });

  test('is added once and not replaced by another', () => {
    const map = make();
    expect(map.tryAdd(u32(1), u64(10))).toBe(true);
    expect(map.tryAdd(u32(1), u64(11))).toBe(false);
    expect(map.get(u32(1))).toEqual(u64(10));
  });

  test('noexist and exist are held to', () => {
    const map = make();
    const set = (mode: 'noexist' | 'exist'): string =>
      failure(() => {
        map.set(u32(1), u64(1), mode);
      }).message;
    expect(set('exist')).toBe("Set an entry of map 'ldr_map': ENOENT (no such file or directory)");
    map.set(u32(1), u64(1), 'noexist');
    expect(set('noexist')).toContain('EEXIST');
  });

  test('a full map says E2BIG', () => {
    const map = make({ maxEntries: 2, flags: 0 });
    expect(
      failure(() => {
        for (const n of numbers(0, 64)) map.set(u32(n), u64(n));
      }).code,
    ).toBe('E2BIG');
  });

  test('keys and values of a wrong size never reach the kernel', () => {
    const map = make();
    const wrong = [
      () => map.get(Buffer.alloc(3)),
      () => {
        map.set(u32(1), u32(1));
      },
      () => map.tryAdd(u32(1), u32(1)),
      () => map.tryDelete(Buffer.alloc(5)),
      () => map.deleteAll([Buffer.alloc(8)]),
      () => {
        map.setAll([[u32(1), u32(1)]]);
      },
    ];
    for (const act of wrong) expect(failure(act).code).toBe('EARGUMENT');
    expect(failure(() => map.get(Buffer.alloc(3))).message).toBe(
      "Use key in map 'ldr_map': EARGUMENT: it has 3 bytes where 4 are needed",
    );
  });
});

describe('many entries', () => {
  const many = 5000;

  test.each(['hash', 'array', 'lru_hash'])('%s: set, read and deleted in batches', (type) => {
    const map = make({ type, maxEntries: 2 * many });
    map.setAll(numbers(0, many).map((n) => [u32(n), u64(n + 1)]));
    const read = pairs(map.entries()).filter(([, value]) => value !== 0);
    expect(read).toEqual(numbers(0, many).map((n) => [n, n + 1]));
    if (type === 'array') return;
    expect([...map.keys()]).toHaveLength(many);
    // Every second key is there: the kernel stops at each of the others.
    expect(map.deleteAll(numbers(many - 10, many + 10).map(u32))).toBe(10);
    expect(map.deleteAll(numbers(0, many).map(u32))).toBe(many - 10);
    expect(pairs(map.entries())).toEqual([]);
  });

  test('a map with one crowded bucket is still read', () => {
    const map = make({ maxEntries: 1 });
    map.set(u32(7), u64(7));
    expect(pairs(map.entries())).toEqual([[7, 7]]);
  });

  test('walking key by key gives the same', () => {
    const map = make({ maxEntries: 100 });
    map.setAll(numbers(0, 100).map((n) => [u32(n), u64(n)]));
    expect(pairs(walkedEntries(map))).toEqual(pairs(map.entries()));
  });

  test('deleting while walking loses nothing and ends', () => {
    const map = make({ maxEntries: 100 });
    map.setAll(numbers(0, 100).map((n) => [u32(n), u64(n)]));
    const seen: number[] = [];
    for (const [key] of walkedEntries(map)) {
      seen.push(key.readUInt32LE());
      map.tryDelete(key);
    }
    expect(seen.sort((a, b) => a - b)).toEqual(numbers(0, 100));
    expect(pairs(map.entries())).toEqual([]);
  });

  test('a type without batches is walked', () => {
    const map = make({ type: 'devmap', valueSize: 4, maxEntries: 8 });
    map.set(u32(3), u32(1));
    expect(pairs(map.entries())).toEqual([[3, 1]]);
    map.setAll([
      [u32(1), u32(1)],
      [u32(5), u32(1)],
    ]);
    expect(pairs(map.entries()).map(([key]) => key)).toEqual([1, 3, 5]);
    expect(map.deleteAll([u32(1), u32(5)])).toBe(2);
  });

  test('setAll with noexist stops at what exists', () => {
    const map = make();
    map.set(u32(2), u64(2));
    expect(
      failure(() => {
        map.setAll(
          numbers(0, 4).map((n) => [u32(n), u64(100 + n)]),
          'noexist',
        );
      }).code,
    ).toBe('EEXIST');
    expect(pairs(map.entries())).toEqual([
      [0, 100],
      [1, 101],
      [2, 2],
    ]);
  });

  test('nothing to do is done', () => {
    const map = make();
    map.setAll([]);
    expect(map.deleteAll([])).toBe(0);
    expect([...map.entries()]).toEqual([]);
  });
});

describe('per CPU', () => {
  test.each(['percpu_hash', 'percpu_array'])('%s: one value per possible CPU', (type) => {
    const map = make({ type, valueSize: 12 });
    const cpus = possibleCpus();
    expect(map.info.transferSize).toBe(16 * cpus);
    const perCpu = new PerCpuMap(map);
    const values = numbers(0, cpus).map((cpu) => Buffer.alloc(12, cpu + 1));
    perCpu.set(u32(1), values);
    expect(perCpu.get(u32(1))).toEqual(values);
    const entry = [...perCpu.entries()].find(([key]) => key.equals(u32(1)));
    expect(entry?.[1]).toEqual(values);
    expect(
      failure(() => {
        perCpu.set(u32(1), values.slice(1));
      }).message,
    ).toContain(`${cpus} values of 12 bytes are needed`);
  });

  test('an absent key is null, another kind of map is refused', () => {
    expect(new PerCpuMap(make({ type: 'percpu_hash' })).get(u32(9))).toBeNull();
    expect(failure(() => new PerCpuMap(make())).message).toContain('it is a hash map, not one per CPU');
  });
});

test('a map is found by its id while it is there', () => {
  const map = make({ name: 'ldr_found' });
  const { id } = map.info;
  expect([...listMaps()]).toContainEqual(map.info);
  const second = BpfMap.openId(id);
  expect(second?.info).toEqual(map.info);
  second?.close();
  map.close();
  expect(BpfMap.openId(id)).toBeNull();
});

test('a shape the kernel refuses is an error with the name of the map', () => {
  expect(failure(() => make({ name: 'odd', keySize: 0 })).message).toContain("Create map 'odd': EINVAL");
  expect(() => make({ type: 'no_such' })).toThrow("No map type is called 'no_such'");
});

failOnLeakedFds();

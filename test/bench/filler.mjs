// Entries of the hop table for devices that do not exist: a table as large as a machine full of wires has.
import { Buffer } from 'node:buffer';

const table = new URL('../../dist/loader/map.js', import.meta.url);

const firstIfindex = 1 << 30;

/** Adds up to `count` entries and returns `remove()`. Keys begin with the ifindex; the rest is zero. */
export async function fillHops(pins, count) {
  const { BpfMap } = await import(table);
  const map = BpfMap.openPinned(`${pins}/maps/hops`);
  const { keySize, valueSize } = map.info;
  const value = Buffer.alloc(valueSize);
  const key = (i) => {
    const bytes = Buffer.alloc(keySize);
    bytes.writeUInt32LE(firstIfindex + i, 0);
    return bytes;
  };
  const keys = Array.from({ length: count }, (_, i) => key(i));
  try {
    map.setAll(keys.map((each) => [each, value]));
  } catch (error) {
    map.deleteAll(keys);
    map.close();
    throw error;
  }
  return {
    remove: () => {
      map.deleteAll(keys);
      map.close();
    },
  };
}

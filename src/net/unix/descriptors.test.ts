import { afterEach, expect, test } from '@jest/globals';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { countFds } from '../../../test/fds.ts';
import type { FileIdentity } from '../../file-identity.ts';
import { Descriptors } from './descriptors.ts';
import { Room } from './room.ts';

const namespaces = /^(net|pid):\[/;
const open: Descriptors[] = [];
afterEach(() => {
  for (const descriptors of open.splice(0)) descriptors.close();
});

function made(limit: number, untakenMs: number, takenMs: number, room = new Room(100)): Descriptors {
  const descriptors = new Descriptors(room, () => undefined, limit, { untakenMs, takenMs });
  open.push(descriptors);
  return descriptors;
}

const never = new AbortController().signal;

/** Lets `path` arrive and says what it is. */
function arrive(descriptors: Descriptors, path: string): FileIdentity {
  const fd = openSync(path, 'r');
  const { dev, ino } = fstatSync(fd);
  descriptors.arrived(fd);
  return { dev, inode: ino };
}

async function gone(descriptors: Descriptors): Promise<void> {
  while (descriptors.count > 0) await new Promise((resolve) => setTimeout(resolve, 1));
}

test('what nobody takes is closed in time', async () => {
  const before = countFds(namespaces);
  const descriptors = made(10, 1, 1);
  arrive(descriptors, '/proc/self/ns/net');
  arrive(descriptors, '/proc/self/ns/pid');
  expect(descriptors.count).toBe(2);
  await gone(descriptors);
  expect(countFds(namespaces)).toBe(before);
  expect(descriptors.dropped).toBe(0);
});

test('what was taken is closed soon, and what was not stays', async () => {
  const descriptors = made(10, 1_000_000, 1);
  const taken = arrive(descriptors, '/proc/self/ns/net');
  const kept = arrive(descriptors, '/proc/self/ns/pid');
  closeSync(await descriptors.take(taken, never));
  while (descriptors.count > 1) await new Promise((resolve) => setTimeout(resolve, 1));
  closeSync(await descriptors.take(kept, never));
  await gone(descriptors);
});

test('what comes again stays as if it were new', async () => {
  const descriptors = made(1, 1_000_000, 1_000_000);
  const again = arrive(descriptors, '/proc/self/ns/net');
  closeSync(await descriptors.take(again, never));
  arrive(descriptors, '/proc/self/ns/net');
  // Taken, it would have made way.
  arrive(descriptors, '/proc/self/ns/pid');
  expect([descriptors.count, descriptors.dropped]).toEqual([1, 1]);
  closeSync(await descriptors.take(again, never));
  const next = arrive(descriptors, '/proc/self/ns/pid');
  closeSync(await descriptors.take(next, never));
  expect([descriptors.count, descriptors.dropped]).toEqual([1, 1]);
});

test('what one origin has on several streams counts together', () => {
  const room = new Room(2);
  const [first, second] = [made(10, 1_000_000, 1_000_000, room), made(10, 1_000_000, 1_000_000, room)];
  arrive(first, '/proc/self/ns/net');
  arrive(second, '/proc/self/ns/net');
  arrive(second, '/proc/self/ns/pid');
  expect([first.count, second.count, second.dropped]).toEqual([1, 1, 1]);
  first.close();
  arrive(second, '/proc/self/ns/pid');
  expect([second.count, second.dropped]).toEqual([2, 1]);
});

test('what arrives after the end is closed', () => {
  const before = countFds(namespaces);
  const descriptors = made(10, 1_000_000, 1_000_000);
  descriptors.close();
  arrive(descriptors, '/proc/self/ns/net');
  expect(descriptors.count).toBe(0);
  expect(countFds(namespaces)).toBe(before);
});

test('a name is that of stat, on disks with large device numbers too', async () => {
  const descriptors = made(10, 1_000_000, 1_000_000);
  for (const path of ['/', '/proc/self/status', '/dev/null', '/sys', process.execPath])
    closeSync(await descriptors.take(arrive(descriptors, path), never));
});

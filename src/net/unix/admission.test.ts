import { expect, test } from '@jest/globals';
import { openSync } from 'node:fs';
import { Admission } from './admission.ts';
import { DESCRIPTORS_PER_ORIGIN } from './limits.ts';
import { Passed } from './passed.ts';

const root = { inOwnNamespaces: true, uid: 0, origin: 'user 0' };
const podRoot = { inOwnNamespaces: false, uid: 0, origin: 'container pid:[7]' };
const user = { inOwnNamespaces: true, uid: 1000, origin: 'user 1000' };

function enter(admission: Admission, peer: typeof root): () => void {
  const verdict = admission.enter(peer);
  if (verdict.kind !== 'admitted') throw new Error(verdict.kind);
  return verdict.leave;
}

test('each origin has its own share, root on the node all there is', () => {
  const admission = new Admission(6, 2);
  const leave = enter(admission, podRoot);
  enter(admission, podRoot);
  expect(admission.enter(podRoot)).toEqual({ kind: 'origin', origin: 'container pid:[7]', limit: 2 });
  enter(admission, user);
  for (let i = 0; i < 3; i++) enter(admission, root);
  expect(admission.total).toBe(6);
  expect(admission.enter(root)).toEqual({ kind: 'total', limit: 6 });
  leave();
  expect(admission.total).toBe(5);
  enter(admission, podRoot);
});

test('an origin is remembered while its descriptors are being closed', async () => {
  const admission = new Admission(10, 2);
  const verdict = admission.enter(podRoot);
  if (verdict.kind !== 'admitted') throw new Error(verdict.kind);
  // A plain file, which is closed on a pool thread: so not before this function is over.
  for (let i = 0; i < DESCRIPTORS_PER_ORIGIN; i++)
    verdict.room.refuse(Passed.adopt(openSync('/proc/self/status', 'r')));
  verdict.leave();
  const refused = { kind: 'descriptors', origin: 'container pid:[7]', limit: DESCRIPTORS_PER_ORIGIN };
  expect(admission.enter(podRoot)).toEqual(refused);
  enter(admission, user);
  while (!verdict.room.idle) await new Promise((resolve) => setImmediate(resolve));
  const again = admission.enter(podRoot);
  // It was forgotten, so its room is a new one.
  expect(again).toMatchObject({ kind: 'admitted' });
  expect(again.kind === 'admitted' && again.room !== verdict.room).toBe(true);
});

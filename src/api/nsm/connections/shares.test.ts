import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { again, Cast, request } from '../../../../test/nsm/cast.ts';
import type { Connection } from '../proto/connection_pb.ts';

let cast: Cast;
beforeEach(() => {
  cast = new Cast();
});
afterEach(() => {
  cast.close();
});

const nth = (n: number, of = cast): Promise<Connection> =>
  of.manager.request(
    request({ id: `c-${n}`, path: { pathSegments: [{ name: 'client', id: `c-${n}` }] } }),
    of.call(),
  );

test('beyond as many as the agent takes is refused', async () => {
  for (let n = 0; n < 8; n++) await nth(n);
  await expect(nth(8)).rejects.toThrow('There are 8 connections: this agent takes 8');
});

test('beyond as many as a namespace may have is refused, however many ask at a time', async () => {
  const few = new Cast({ maxPerNetns: 3 });
  try {
    const outcomes = await Promise.allSettled([0, 1, 2, 3, 4].map((n) => nth(n, few)));
    const replies = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    const refusals = outcomes.flatMap((o) => (o.status === 'rejected' ? [o.reason as unknown] : []));
    expect(replies).toHaveLength(3);
    expect(refusals).toMatchObject([{ code: 'exhausted', field: 'connections', value: '3' }, {}]);
    expect(few.manager.list()).toHaveLength(3);
    const [first] = replies;
    if (!first) throw new Error('None of them was answered');
    await few.manager.request(again(first), few.call());
    await few.manager.closeFor(first, few.call());
    await nth(5, few);
    await expect(nth(6, few)).rejects.toMatchObject({ code: 'exhausted' });
  } finally {
    few.close();
  }
});

test('those that an earlier agent left count as well, and are refused nothing', async () => {
  await Promise.all([0, 1, 2].map((n) => nth(n)));
  const few = new Cast({ maxPerNetns: 2 });
  try {
    for (const { record } of cast.book.all()) few.book.enter(record);
    await expect(nth(3, few)).rejects.toMatchObject({ code: 'exhausted', value: '3' });
  } finally {
    few.close();
  }
});

import { expect, test } from '@jest/globals';
import { merge } from './merge.ts';

async function* counting(from: number, ended: string[], fail = false): AsyncGenerator<number, void> {
  try {
    for (let at = from; at < from + 2; at++) yield at;
    if (fail) throw new Error(`${from} fails`);
  } finally {
    ended.push(String(from));
  }
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const read: T[] = [];
  for await (const item of items) read.push(item);
  return read;
}

test('every item of every source comes once', async () => {
  const ended: string[] = [];
  expect((await all(merge([counting(1, ended), counting(5, ended), counting(9, ended)]))).sort()).toEqual([
    1, 10, 2, 5, 6, 9,
  ]);
  expect(ended.sort()).toEqual(['1', '5', '9']);
  expect(await all(merge([]))).toEqual([]);
});

test('what one throws ends the others', async () => {
  const ended: string[] = [];
  async function* waiting(): AsyncGenerator<number, void> {
    try {
      for (;;) {
        await new Promise((resolve) => setImmediate(resolve));
        yield 0;
      }
    } finally {
      ended.push('waiting');
    }
  }
  await expect(all(merge([waiting(), counting(1, ended, true)]))).rejects.toThrow('1 fails');
  while (!ended.includes('waiting')) await new Promise((resolve) => setImmediate(resolve));
});

test('leaving the loop ends all of them', async () => {
  const ended: string[] = [];
  for await (const item of merge([counting(1, ended), counting(5, ended)])) if (item > 0) break;
  while (ended.length < 2) await new Promise((resolve) => setImmediate(resolve));
});

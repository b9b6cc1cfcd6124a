import { describe, expect, test } from '@jest/globals';
import { Failure } from '../../../features/failure.ts';
import { StreamQueue, type StreamQueueOptions } from './stream-queue.ts';

interface Made {
  queue: StreamQueue<string>;
  controller: AbortController;
  ends: () => number;
}

function make(more: Partial<StreamQueueOptions<string>> = {}): Made {
  const controller = new AbortController();
  let ends = 0;
  const queue = new StreamQueue<string>({
    signal: controller.signal,
    onEnd: () => {
      ends++;
    },
    ...more,
  });
  return { queue, controller, ends: () => ends };
}

async function drain(queue: StreamQueue<string>): Promise<string[]> {
  const read: string[] = [];
  for await (const item of queue) read.push(item);
  return read;
}

test('what was pushed is read in order, before and after the reader waits', async () => {
  const { queue, ends } = make();
  queue.push('a');
  queue.push('b');
  const reading = drain(queue);
  await new Promise(setImmediate);
  queue.push('c');
  await new Promise(setImmediate);
  queue.end();
  queue.push('d');
  expect(await reading).toEqual(['a', 'b', 'c']);
  expect(ends()).toBe(1);
});

test('an error comes after what waits', async () => {
  const { queue } = make();
  queue.push('a');
  queue.end(new Failure('failed', 'The registry stops'));
  const iterator = queue[Symbol.asyncIterator]();
  expect(await iterator.next()).toEqual({ done: false, value: 'a' });
  await expect(iterator.next()).rejects.toThrow('The registry stops');
});

describe('it ends', () => {
  test('when the caller goes away', async () => {
    const { queue, controller, ends } = make();
    const reading = drain(queue);
    await new Promise(setImmediate);
    controller.abort();
    expect(await reading).toEqual([]);
    expect(ends()).toBe(1);
  });

  test('at once for a caller who is gone already', async () => {
    const { queue, ends } = make({ signal: AbortSignal.abort() });
    queue.push('a');
    expect(await drain(queue)).toEqual([]);
    expect(ends()).toBe(1);
  });

  test('when the reader leaves its loop', async () => {
    const { queue, ends } = make();
    queue.push('a');
    const iterator = queue[Symbol.asyncIterator]();
    await iterator.next();
    await iterator.return();
    expect(ends()).toBe(1);
  });
});

test('a reader that is too slow is told, and nothing waits for it any more', async () => {
  const { queue, ends } = make({ limit: 3 });
  for (const item of ['a', 'b', 'c']) queue.push(item);
  expect(ends()).toBe(0);
  queue.push('d');
  expect(ends()).toBe(1);
  await expect(drain(queue)).rejects.toMatchObject({
    code: 'exhausted',
    message: 'The reader is too slow: 3 items waited for it; ask again',
  });
});

test('what can be merged does not make a reader slow', async () => {
  const { queue } = make({
    limit: 2,
    merge: (waiting, next) => [...waiting.filter((item) => !item.startsWith(next.slice(0, 1))), next],
  });
  for (let i = 0; i < 100; i++) queue.push(`${i % 2 === 0 ? 'a' : 'b'}${i}`);
  queue.end();
  expect(await drain(queue)).toEqual(['a98', 'b99']);
});

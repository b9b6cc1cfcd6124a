import { afterAll, afterEach, expect, test } from '@jest/globals';
import { setLog } from '../../loader/log.ts';
import { RingBuffer, type RecordHandler } from '../../loader/ringbuf.ts';
import { failOnLeakedFds } from '../fds.ts';
import { failure } from './failure.ts';
import { Sample } from './sample.ts';
import { until } from './until.ts';

const sample = new Sample();
const events = sample.map('events');
const program = sample.program('sample_event');
const rings: RingBuffer[] = [];

afterEach(() => {
  for (const ring of rings.splice(0)) ring.close();
  setLog(null);
});
afterAll(() => {
  sample.close();
});

const open = (handler: RecordHandler, queue?: number): RingBuffer => {
  const ring = new RingBuffer(events, handler, queue === undefined ? {} : { queue });
  rings.push(ring);
  return ring;
};
/** Puts a record into the ring that says `length`; false when the ring is full. */
const emit = (length: number): boolean => program.testRun({ data: Buffer.alloc(length) }).retval === 0;
const lengths = Array.from({ length: 20 }, (_, i) => 60 + i);

test('records arrive in order, also those from before', async () => {
  const seen: number[] = [];
  emit(50);
  const ring = open((record) => {
    seen.push(record.readUInt32LE());
  });
  for (const length of lengths) emit(length);
  await until(() => seen.length === 21);
  expect(seen).toEqual([50, ...lengths]);
  expect(ring.dropped).toBe(0);
});

test('a slow handler is never called twice at once; what exceeds the queue is counted', async () => {
  const seen: number[] = [];
  let release: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (release = resolve));
  let running = 0;
  const ring = open(async (record) => {
    expect(++running).toBe(1);
    await gate;
    seen.push(record.readUInt32LE());
    running--;
  }, 4);
  emit(60);
  await until(() => running === 1);
  for (const length of lengths) emit(length);
  await until(() => ring.dropped === 16);
  release();
  await until(() => seen.length === 5);
  expect(seen).toEqual([60, 60, 61, 62, 63]);
});

test('a busy ring leaves the event loop its turns', async () => {
  let count = 0;
  const ticks: number[] = [];
  open(() => {
    count++;
  });
  let sent = 0;
  while (sent < 2000 && emit(60)) sent++;
  const ticker = setInterval(() => ticks.push(count), 0);
  await until(() => count === sent);
  clearInterval(ticker);
  expect(sent).toBeGreaterThan(1000);
  expect(ticks.some((at) => at > 0 && at < sent)).toBe(true);
});

test('a handler that throws loses its record only, and it is said', async () => {
  const said: string[] = [];
  setLog((_, text) => said.push(text));
  const seen: number[] = [];
  open((record) => {
    const length = record.readUInt32LE();
    if (length === 61) throw new Error('No good');
    seen.push(length);
  });
  for (const length of [60, 61, 62]) emit(length);
  await until(() => seen.length === 2);
  expect(said).toEqual(["ring buffer on map 'events': its handler failed: Error: No good"]);
});

test('a handler may close; nothing comes after', async () => {
  const seen: number[] = [];
  const ring = open((record) => {
    seen.push(record.readUInt32LE());
    ring.close();
  });
  for (const length of lengths) emit(length);
  await until(() => seen.length > 0);
  await new Promise((resolve) => setImmediate(resolve));
  expect(seen).toEqual([60]);
  expect(ring.isOpen).toBe(false);
});

test('the map may be closed before the ring', async () => {
  const own = new Sample();
  const map = own.map('events');
  const writer = own.program('sample_event');
  const seen: number[] = [];
  const ring = new RingBuffer(map, (record) => {
    seen.push(record.readUInt32LE());
  });
  rings.push(ring);
  map.close();
  writer.testRun({ data: Buffer.alloc(77) });
  await until(() => seen.length === 1);
  ring.close();
  own.close();
});

test('consume takes what is there at once', () => {
  const seen: number[] = [];
  const ring = open((record) => {
    seen.push(record.readUInt32LE());
  });
  emit(60);
  ring.consume();
  expect(seen).toEqual([60]);
  ring.unref();
  ring.close();
  ring.close();
  expect(
    failure(() => {
      ring.consume();
    }).code,
  ).toBe('ECLOSED');
});

test('another kind of map is refused', () => {
  expect(failure(() => new RingBuffer(sample.map('table'), () => undefined)).message).toBe(
    "Read ring buffer on map 'table': EARGUMENT: it is a hash map",
  );
});

failOnLeakedFds();

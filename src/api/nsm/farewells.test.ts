import { beforeEach, expect, test } from '@jest/globals';
import { create } from '@bufbuild/protobuf';
import { pino } from 'pino';
import { FakeClock } from '../../../test/fake/clock.ts';
import { Farewells } from './farewells.ts';
import type { FarewellRecord } from '../../state/farewell-record.ts';
import { maxFarewellAgeMs, maxFarewells } from './limits.ts';
import { type Connection, ConnectionSchema } from './proto/connection_pb.ts';
import { maxLifeMs } from './registry/limits.ts';

let clock: FakeClock;
let told: string[];
let logged: unknown[];
let answers: number;
let known: Set<string>;
let farewells: Farewells;
/** What would outlive the agent. */
let kept: Map<string, FarewellRecord>;
let full: boolean;
const connection = (id: string): Connection => create(ConnectionSchema, { id });
const gateway = { name: 'gateway', target: 'unix:///run/gateway' };

beforeEach(() => {
  clock = new FakeClock();
  told = [];
  logged = [];
  answers = Infinity;
  known = new Set();
  kept = new Map();
  full = false;
  farewells = start();
});

const start = (): Farewells =>
  new Farewells({
    clock,
    log: pino({}, { write: (line: string) => void logged.push(JSON.parse(line)) }),
    files: {
      write: (record) => {
        if (full) throw new Error('ENOSPC');
        kept.set(`${record.endpoint} ${record.id}`, record);
      },
      remove: ({ endpoint, id }) => void kept.delete(`${endpoint} ${id}`),
    },
    isKnown: (id) => known.has(id),
    tell: ({ name, target }, { id }) => {
      if (told.length >= answers) return Promise.resolve(false);
      told.push(`${name} ${target} ${id}`);
      return Promise.resolve(true);
    },
  });
/** The agent ends, and another one starts. */
const restart = (): ReturnType<Farewells['adopt']> => {
  farewells.close();
  farewells = start();
  return farewells.adopt([...kept.values()]);
};

test('an endpoint is told when it is back, once, and no other', async () => {
  farewells.keep('gateway', 'a', connection('1'));
  farewells.keep('gateway', 'b', connection('2'));
  await farewells.tell({ ...gateway, name: 'other' });
  expect(told).toEqual([]);
  await farewells.tell(gateway);
  expect(told).toEqual(['gateway unix:///run/gateway 1', 'gateway unix:///run/gateway 2']);
  await farewells.tell(gateway);
  expect(told).toHaveLength(2);
});

test('of a connection that was asked for again it is not told', async () => {
  farewells.keep('gateway', 'a', connection('1'));
  farewells.keep('gateway', 'b', connection('2'));
  known.add('a');
  await farewells.tell(gateway);
  expect(told).toEqual(['gateway unix:///run/gateway 2']);
});

test('who cannot be told is not asked again', async () => {
  for (const id of ['1', '2', '3']) farewells.keep('gateway', id, connection(id));
  answers = 1;
  await farewells.tell(gateway);
  answers = Infinity;
  await farewells.tell(gateway);
  expect(told).toHaveLength(1);
  expect(logged).toMatchObject([{ endpoint: 'gateway', connections: 2 }]);
});

test('what an endpoint has not heard when its registration would have lapsed is dropped', async () => {
  farewells.keep('gateway', 'a', connection('1'));
  await clock.advance(maxLifeMs - 1);
  expect(logged).toEqual([]);
  await clock.advance(1);
  expect(logged).toMatchObject([{ endpoint: 'gateway', connections: 1 }]);
  farewells.keep('gateway', 'b', connection('2'));
  await farewells.tell(gateway);
  expect(told).toEqual([]);
  expect(kept.size).toBe(0);
  expect(clock.pending).toBe(0);
});

test('no more are kept than there is room for', async () => {
  for (let i = 0; i <= maxFarewells; i++) farewells.keep('gateway', `${i}`, connection('1'));
  expect(kept.size).toBe(maxFarewells);
  await farewells.tell(gateway);
  expect(told).toHaveLength(maxFarewells);
  expect(kept.size).toBe(0);
  farewells.close();
  expect(clock.pending).toBe(0);
});

test('what one agent could not tell the next one does, however often it restarts, until it is too old', async () => {
  farewells.keep('gateway', 'a', connection('1'));
  for (let i = 0; i < 100; i++) {
    await clock.advance(maxLifeMs / 4);
    restart();
  }
  await farewells.tell(gateway);
  expect(told).toEqual(['gateway unix:///run/gateway 1']);
  expect(kept.size).toBe(0);
  restart();
  await farewells.tell(gateway);
  expect(told).toHaveLength(1);

  farewells.keep('gateway', 'b', connection('2'));
  farewells.close();
  await clock.advance(maxFarewellAgeMs);
  restart();
  await farewells.tell(gateway);
  expect(told).toHaveLength(1);
  expect(kept.size).toBe(0);
});

test('what an agent ends in the middle of telling is told by the next one, and what is kept twice is told once', async () => {
  for (const id of ['1', '2']) farewells.keep('gateway', id, connection(id));
  const telling = farewells.tell(gateway);
  farewells.close();
  await telling;
  expect(told).toEqual(['gateway unix:///run/gateway 1']);
  restart();
  farewells.keep('gateway', '2', connection('2'));
  await farewells.tell(gateway);
  expect(told.slice(1)).toEqual(['gateway unix:///run/gateway 1', 'gateway unix:///run/gateway 2']);
  expect(logged).toEqual([]);
});

test('where nothing can be written it is told all the same', async () => {
  full = true;
  farewells.keep('gateway', 'a', connection('1'));
  expect(logged).toMatchObject([{ conn: 'a', error: 'Error: ENOSPC' }]);
  await farewells.tell(gateway);
  expect(told).toHaveLength(1);
});

test('a file that holds no message is left alone', () => {
  farewells.keep('gateway', 'a', connection('1'));
  const [record] = kept.values();
  if (record) kept.set('gateway a', { ...record, connection: '/w==' });
  expect(restart()).toMatchObject([{ record: { id: 'a' } }]);
  expect(kept.size).toBe(1);
});

import { beforeEach, expect, test } from '@jest/globals';
import { create } from '@bufbuild/protobuf';
import { pino } from 'pino';
import { FakeClock } from '../../../test/fake/clock.ts';
import { Farewells } from './farewells.ts';
import { maxFarewells } from './limits.ts';
import { type Connection, ConnectionSchema } from './proto/connection_pb.ts';
import { maxLifeMs } from './registry/limits.ts';

let clock: FakeClock;
let told: string[];
let logged: unknown[];
let answers: number;
let known: Set<string>;
let farewells: Farewells;
const connection = (id: string): Connection => create(ConnectionSchema, { id });
const gateway = { name: 'gateway', target: 'unix:///run/gateway' };

beforeEach(() => {
  clock = new FakeClock();
  told = [];
  logged = [];
  answers = Infinity;
  known = new Set();
  farewells = new Farewells({
    clock,
    log: pino({}, { write: (line: string) => void logged.push(JSON.parse(line)) }),
    isKnown: (id) => known.has(id),
    tell: ({ name, target }, { id }) => {
      if (told.length >= answers) return Promise.resolve(false);
      told.push(`${name} ${target} ${id}`);
      return Promise.resolve(true);
    },
  });
});

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
  expect(clock.pending).toBe(0);
});

test('no more are kept than there is room for', async () => {
  for (let i = 0; i <= maxFarewells; i++) farewells.keep('gateway', `${i}`, connection('1'));
  await farewells.tell(gateway);
  expect(told).toHaveLength(maxFarewells);
  farewells.close();
  expect(clock.pending).toBe(0);
});

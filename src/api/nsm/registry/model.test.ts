import { beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FakeClock } from '../../../../test/fake/clock.ts';
import { endpoint } from '../../../../test/nsm/records.ts';
import { Failure } from '../../../features/failure.ts';
import { Endpoints } from './endpoints.ts';
import { maxLifeMs } from './limits.ts';
import { isEndpointAsked } from './query.ts';

/** What is registered, as one would write it without an eye on time or memory. */
interface Known {
  name: string;
  owner: string;
  app: string;
  services: string[];
  expires: number;
  asked: number | null;
}

type Step =
  | { do: 'register'; name: string; owner: string; app: string; services: string[]; life: number | null }
  | { do: 'unregister'; name: string; owner: string }
  | { do: 'advance'; ms: number };

const name = fc.constantFrom('e', 'f', 'g');
const owner = fc.constantFrom('o1', 'o2', 'root');
const services = fc.uniqueArray(fc.constantFrom('a', 'b'), { maxLength: 2 });
const app = fc.constantFrom('', '1', '2');
const ms = fc.constantFrom(1, maxLifeMs - 1, maxLifeMs, maxLifeMs + 1, 10_000);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('register' as const),
      name,
      owner,
      app,
      services,
      life: fc.option(ms),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('unregister' as const), name, owner }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('advance' as const), ms }) },
);

class Model {
  now: number;
  all: Known[] = [];

  constructor(now: number) {
    this.now = now;
  }

  #mayNot(name: string, owner: string): boolean {
    const known = this.all.find((k) => k.name === name);
    return known !== undefined && known.owner !== owner && owner !== 'root';
  }

  /** False if it is refused. */
  take(step: Step): boolean {
    switch (step.do) {
      case 'advance':
        this.now += step.ms;
        this.all = this.all.filter((k) => k.expires > this.now);
        return true;
      case 'unregister':
        if (this.#mayNot(step.name, step.owner)) return false;
        this.all = this.all.filter((k) => k.name !== step.name);
        return true;
      case 'register': {
        if (this.#mayNot(step.name, step.owner)) return false;
        const at = this.all.findIndex((k) => k.name === step.name);
        const before = this.all[at];
        const wish = step.life === null ? null : this.now + step.life;
        // The last answer sent back asks for nothing.
        const asked = wish !== null && wish === before?.expires && wish !== before.asked ? null : wish;
        const next = { ...step, asked, expires: Math.min(asked ?? Infinity, this.now + maxLifeMs) };
        if (at === -1) this.all.push(next);
        else this.all[at] = next;
        return true;
      }
    }
  }
}

let seed: number;
beforeAll(() => {
  seed = Number(process.env.VWIRE_SEED ?? Math.floor(Math.random() * 2 ** 31));
  process.stderr.write(`model of the registry: VWIRE_SEED=${seed}\n`);
});

async function carryOut(endpoints: Endpoints, clock: FakeClock, step: Step): Promise<boolean> {
  try {
    if (step.do === 'advance') await clock.advance(step.ms);
    else if (step.do === 'unregister')
      endpoints.unregister(step.name, { owner: step.owner, trusted: step.owner === 'root' });
    else {
      const expirationTime = step.life === null ? {} : { expirationTime: { seconds: 0n, nanos: 0 } };
      const record = endpoint(
        step.name,
        { app: step.app },
        { networkServiceNames: step.services, ...expirationTime },
      );
      if (record.expirationTime !== undefined && step.life !== null) {
        const end = clock.now() + step.life;
        record.expirationTime.seconds = BigInt(Math.floor(end / 1000));
        record.expirationTime.nanos = (end % 1000) * 1_000_000;
      }
      endpoints.register(record, { owner: step.owner, trusted: step.owner === 'root' });
    }
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(Failure);
    expect(error).toMatchObject({ code: 'denied' });
    return false;
  }
}

test('registers, refuses, expires, finds and tells as a naive registry does', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const clock = new FakeClock();
      const model = new Model(clock.now());
      const endpoints = new Endpoints(clock, () => undefined);
      const end = new AbortController();
      const fits = (app: string) => (record: Parameters<typeof isEndpointAsked>[1]) =>
        isEndpointAsked(endpoint('', { app }, { networkServiceNames: ['a'] }), record);
      const stream = endpoints.watch({ name: '', fits: fits('1'), owner: 'w', signal: end.signal });
      for (const step of steps) {
        expect(await carryOut(endpoints, clock, step)).toBe(model.take(step));
        const shown = endpoints.list();
        expect(shown.map(({ record, owner, expires }) => ({ name: record.name, owner, expires }))).toEqual(
          model.all.map(({ name, owner, expires }) => ({ name, owner, expires })),
        );
        expect(new Set(endpoints.serving('a').map((e) => e.name))).toEqual(
          new Set(model.all.filter((k) => k.services.includes('a')).map((k) => k.name)),
        );
        for (const asked of ['', '1'])
          expect(endpoints.find({ name: '', fits: fits(asked) }).map((e) => e.name)).toEqual(
            model.all.filter((k) => k.services.includes('a') && k.app === asked).map((k) => k.name),
          );
        expect(clock.pending).toBe(model.all.length);
      }
      // A watcher that does what it is told has in the end what a new one would find.
      const seen = new Map<string, number>();
      const told = stream[Symbol.asyncIterator]();
      const sentinel = endpoint('last', { app: '1' });
      endpoints.register(sentinel, { owner: 'o1' });
      for (let next = await told.next(); next.done !== true; next = await told.next()) {
        const { record, deleted } = next.value;
        if (record.name === 'last') break;
        if (deleted) expect(seen.delete(record.name)).toBe(true);
        else seen.set(record.name, Number(record.expirationTime?.seconds));
      }
      const left = model.all.filter((k) => k.services.includes('a') && k.app === '1');
      expect(seen).toEqual(new Map(left.map((k) => [k.name, Math.floor(k.expires / 1000)])));
      end.abort();
      endpoints.close();
      expect(clock.pending).toBe(0);
    }),
    { seed, numRuns: Number(process.env.VWIRE_N ?? 100) },
  );
});

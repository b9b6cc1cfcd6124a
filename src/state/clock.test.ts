import { describe, expect, test } from '@jest/globals';
import { FakeClock } from '../../test/fake/clock.ts';
import { systemClock, type Clock } from './clock.ts';

interface Subject {
  clock: Clock;
  /** Lets time pass until `happened` settles, all of which takes less than a second. */
  pass: (happened: Promise<unknown>) => Promise<void>;
}

const system = (): Subject => ({
  clock: systemClock,
  pass: async (happened) => {
    await happened;
  },
});

const fake = (): Subject => {
  const clock = new FakeClock();
  return {
    clock,
    pass: async (happened) => {
      await clock.advance(1000);
      await happened;
    },
  };
};

const at = (clock: Clock, ms: number, act: () => void = () => undefined): Promise<void> =>
  new Promise((resolve) => {
    clock.after(ms, () => {
      act();
      resolve();
    });
  });

describe.each([
  ['systemClock', system],
  ['FakeClock', fake],
])('%s', (_, make) => {
  test('calls once, not before the time, never at once', async () => {
    const { clock, pass } = make();
    for (const ms of [-5, 0, 1, 3, 20]) {
      const begin = clock.now();
      const calls: number[] = [];
      const called = at(clock, ms, () => calls.push(clock.now() - begin));
      expect(calls).toEqual([]);
      await pass(called);
      await pass(at(clock, 20));
      expect(calls).toHaveLength(1);
      expect(calls[0]).toBeGreaterThanOrEqual(Math.max(0, ms));
    }
  });

  test('what is due earlier comes first, whatever was set first', async () => {
    const { clock, pass } = make();
    const order: number[] = [];
    const all = [60, 20, 40].map((ms) => at(clock, ms, () => order.push(ms)));
    await pass(Promise.all(all));
    expect(order).toEqual([20, 40, 60]);
  });

  test('what was cancelled is not called, and cancelling again or too late is harmless', async () => {
    const { clock, pass } = make();
    const called: string[] = [];
    const cancel = clock.after(1, () => called.push('cancelled'));
    cancel();
    cancel();
    let cancelLater: () => void = () => undefined;
    const done = at(clock, 5, () => {
      called.push('due');
      cancelLater();
    });
    cancelLater = clock.after(40, () => called.push('cancelled by a timer'));
    await pass(done);
    await pass(at(clock, 60));
    cancelLater();
    expect(called).toEqual(['due']);
  });

  test('a timer may set another', async () => {
    const { clock, pass } = make();
    const begin = clock.now();
    await pass(at(clock, 5).then(() => at(clock, 5)));
    expect(clock.now() - begin).toBeGreaterThanOrEqual(10);
  });

  test('a delay that Node cannot hold is no short one, and Infinity is never', async () => {
    const { clock, pass } = make();
    const called: string[] = [];
    const cancels = [2 ** 31, 2 ** 31 + 1, 2 ** 40, Infinity].map((ms) =>
      clock.after(ms, () => called.push(`${ms} ms`)),
    );
    await pass(at(clock, 20));
    for (const cancel of cancels) cancel();
    expect(called).toEqual([]);
  });

  test('a delay that is no number is refused', () => {
    expect(() => make().clock.after(NaN, () => undefined)).toThrow('A delay is not a number');
  });
});

test('systemClock holds no process open', () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((r) => r === 'Timeout').length;
  const before = timers();
  const cancel = systemClock.after(60_000, () => undefined);
  expect(timers()).toBe(before);
  cancel();
});

describe('FakeClock', () => {
  test('runs each timer at its own time, promises acted on in between', async () => {
    const clock = new FakeClock(0);
    const log: string[] = [];
    const chain = async (name: string): Promise<void> => {
      for (let i = 0; i < 5; i += 1) await Promise.resolve();
      log.push(`${name} settled at ${clock.now()}`);
    };
    for (const [ms, name] of [
      [10, 'a'],
      [20, 'b'],
      [10, 'c'],
    ] as const)
      clock.after(ms, () => {
        log.push(`${name} at ${clock.now()}`);
        void chain(name);
      });
    await clock.advance(9);
    expect(log).toEqual([]);
    await clock.advance(1);
    expect(log).toEqual(['a at 10', 'a settled at 10', 'c at 10', 'c settled at 10']);
    await clock.advance(100);
    expect(log.slice(4)).toEqual(['b at 20', 'b settled at 20']);
    expect([clock.now(), clock.pending]).toEqual([110, 0]);
  });

  test('what is far comes when its time comes', async () => {
    const clock = new FakeClock(0);
    let called = 0;
    clock.after(2 ** 40, () => (called += 1));
    await clock.advance(2 ** 40 - 1);
    expect(called).toBe(0);
    await clock.advance(1);
    expect(called).toBe(1);
  });
});

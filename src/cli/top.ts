import { setTimeout as sleep } from 'node:timers/promises';
import type { Sampler } from '../features/connection/api.ts';
import { durationOf } from './duration.ts';
import { ratesJson } from './output/json.ts';
import { ratesHead, ratesLines } from './output/rates.ts';
import { type Order, type Rates, orders, ratesBetween, sorted } from './rates.ts';
import { Interrupted, exitCodes } from './shell/exit.ts';
import type { Screen } from './shell/screen.ts';
import { type Context, type Verb, choice, text, toggle } from './shell/verb.ts';

interface Watch {
  sampler: Sampler;
  order: Order;
  intervalMs: number;
}

const ordered = (rates: Rates, order: Order): Rates => ({ ...rates, wires: sorted(rates.wires, order) });

async function once({ io, settings }: Context, { sampler, order, intervalMs }: Watch): Promise<void> {
  const signal = io.until('SIGINT', 'SIGTERM');
  const before = sampler.sample();
  await sleep(intervalMs, undefined, { signal }).catch((error: unknown) => {
    throw signal.aborted ? new Interrupted() : error;
  });
  const rates = ordered(ratesBetween(before, sampler.sample()), order);
  const size = { width: Number.POSITIVE_INFINITY, height: Number.POSITIVE_INFINITY };
  io.out(
    settings.json
      ? ratesJson(io.now().toISOString(), rates)
      : ratesLines(rates, io.terminal, size)
          .map((line) => `${line}\n`)
          .join(''),
  );
}

/** Redraws until a key or a signal ends it. */
async function live({ io, settings }: Context, screen: Screen, watch: Watch): Promise<number> {
  const { sampler, order, intervalMs } = watch;
  let before = sampler.sample();
  let rates: Rates = { seconds: 0, wires: [] };
  const draw = (): void => {
    const { columns, rows } = screen.size();
    const head = ratesHead(rates, settings.instance, io.now(), columns);
    const table = ratesLines(rates, io.terminal, { width: columns, height: rows - head.length - 1 });
    screen.draw([...head, '', ...table].slice(0, rows));
  };
  for (;;) {
    draw();
    const woken = await screen.wait(intervalMs);
    if (woken === 'quit') return exitCodes.ok;
    if (woken === 'interrupted') return exitCodes.interrupted;
    if (woken === 'resized') continue;
    const after = sampler.sample();
    rates = ordered(ratesBetween(before, after), order);
    before = after;
  }
}

export const top: Verb = {
  details:
    'Left to right is >, right to left is <. On a terminal the rates are drawn anew until q or Ctrl-C; otherwise, with ' +
    '--once or --json, one sample is printed. Reads the pinned maps and the state files, so it works when no agent ' +
    'runs; it takes root.',
  positionals: [],
  flags: [
    text('interval', 'TIME', 'How long a sample takes, 100ms at least (default: 1s)'),
    choice('sort', 'ORDER', orders, 'What stands first: most of it, or the oldest wire (default: bits)'),
    toggle('once', 'Print one sample and exit'),
  ],
  run: async (context) => {
    const { given, settings, io, sources } = context;
    const intervalMs = Math.max(100, durationOf('interval', given.text('interval') ?? '1s'));
    const order = orders.find((known) => known === given.text('sort')) ?? 'bits';
    const sampler = await sources.openSampler(settings);
    try {
      const watch = { sampler, order, intervalMs };
      const screen = given.on('once') || settings.json ? null : io.screen();
      if (screen === null) {
        await once(context, watch);
        return exitCodes.ok;
      }
      try {
        return await live(context, screen, watch);
      } finally {
        screen.close();
      }
    } finally {
      sampler.close();
    }
  },
};

import { Failure } from '../../features/failure.ts';
import { updateJson } from '../output/json.ts';
import { printable, toned, type Tone } from '../output/style.ts';
import type { Io } from '../shell/io.ts';
import { closeAll } from './obtain.ts';
import type { Granted, Update } from './requester.ts';

const tones: Readonly<Record<string, Tone>> = { up: 'good', down: 'warning', failed: 'bad', closed: 'bad' };

function updateText({ id }: Granted, { type, detail }: Update, io: Io): string {
  const what = toned(printable(type).padEnd(7), tones[type] ?? 'plain', io.terminal);
  return `${io.now().toISOString()}  ${what}  ${id}  ${printable(detail)}`.trimEnd() + '\n';
}

interface Holding {
  json: boolean;
  io: Io;
  signal: AbortSignal;
}

/** Prints what becomes of connections until `signal` aborts, then closes them. */
export async function holdUntil(granted: readonly Granted[], holding: Holding): Promise<void> {
  try {
    await follow(granted, holding);
  } catch (error) {
    // To be told to stop is what it waits for.
    if (!holding.signal.aborted) throw error;
  } finally {
    const left = await closeAll(granted);
    if (left.length > 0) holding.io.err(`vwire: Not closed: ${left.map(printable).join(', ')}\n`);
  }
}

/** Throws Failure once one is gone that nobody here closed: whoever holds them shall know. */
async function follow(granted: readonly Granted[], { json, io, signal }: Holding): Promise<void> {
  const over = new AbortController();
  const until = AbortSignal.any([signal, over.signal]);
  const tell = async (each: Granted): Promise<void> => {
    for await (const update of each.updates(until)) {
      io.out(json ? updateJson(io.now().toISOString(), each, update) : updateText(each, update, io));
      if (update.type === 'closed' && !until.aborted)
        throw new Failure(
          'failed',
          `Connection '${each.id}' to '${each.service}' is closed: ${update.detail}`,
          {
            field: 'connection',
            value: each.id,
          },
        );
    }
  };
  try {
    await Promise.all(granted.map(tell));
  } finally {
    over.abort();
  }
}

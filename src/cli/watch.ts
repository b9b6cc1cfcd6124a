import type { AdminClient } from '../api/admin/client.ts';
import { Failure } from '../features/failure.ts';
import { merge } from './merge.ts';
import { type AnyChange, type AnyEvent, changeJson, eventJson } from './output/json.ts';
import { type Tone, printable, toned } from './output/style.ts';
import { withAgent } from './shell/agent-client.ts';
import { exitCodes } from './shell/exit.ts';
import type { Terminal } from './shell/io.ts';
import type { Verb } from './shell/verb.ts';

type Happened = { of: 'wire'; event: AnyEvent } | { of: 'connection'; change: AnyChange };

const tones: Readonly<Record<string, Tone>> = {
  added: 'good',
  adopted: 'good',
  port_up: 'good',
  opened: 'good',
  up: 'good',
  healed: 'good',
  orphaned: 'warning',
  port_down: 'warning',
  down: 'warning',
  expired: 'warning',
  failed: 'bad',
};

function line(at: string, type: string, words: readonly string[], terminal: Terminal): string {
  const what = toned(printable(type).padEnd(9), tones[type] ?? 'plain', terminal);
  return [at, what, ...words].join('  ').trimEnd() + '\n';
}

const eventText = ({ at, type, wire, connection, detail }: AnyEvent, terminal: Terminal): string =>
  line(at, type, [`wire ${wire}`, printable(connection), printable(detail)], terminal);

const changeText = ({ at, type, id, detail }: AnyChange, terminal: Terminal): string =>
  line(at, type, ['connection', printable(id), printable(detail)], terminal);

async function* wires(client: AdminClient): AsyncGenerator<Happened, void> {
  for await (const event of client.watch()) yield { of: 'wire', event };
}

/** Nothing where the agent has no connections: its wires can be watched all the same. */
async function* connections(client: AdminClient): AsyncGenerator<Happened, void> {
  try {
    for await (const change of client.connections.watch()) yield { of: 'connection', change };
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'unsupported') throw error;
  }
}

export const watch: Verb = {
  details:
    'Prints what happens to connections and wires, one event a line, until interrupted or the agent stops.',
  positionals: [],
  flags: [],
  run: async (context) => {
    const { settings, io } = context;
    await withAgent(context, async (client) => {
      for await (const happened of merge([wires(client), connections(client)]))
        if (happened.of === 'wire')
          io.out(settings.json ? eventJson(happened.event) : eventText(happened.event, io.terminal));
        else io.out(settings.json ? changeJson(happened.change) : changeText(happened.change, io.terminal));
    });
    return exitCodes.ok;
  },
};

import { type AnyEvent, eventJson } from './output/json.ts';
import { type Tone, printable, toned } from './output/style.ts';
import { withAgent } from './shell/agent-client.ts';
import { exitCodes } from './shell/exit.ts';
import type { Terminal } from './shell/io.ts';
import type { Verb } from './shell/verb.ts';

const tones: Readonly<Record<string, Tone>> = {
  added: 'good',
  adopted: 'good',
  port_up: 'good',
  orphaned: 'warning',
  port_down: 'warning',
  failed: 'bad',
};

function eventText({ at, type, wire, connection, detail }: AnyEvent, terminal: Terminal): string {
  const what = toned(printable(type).padEnd(9), tones[type] ?? 'plain', terminal);
  return `${at}  ${what}  ${wire}  ${printable(connection)}  ${printable(detail)}`.trimEnd() + '\n';
}

export const watch: Verb = {
  details: 'Prints what happens to wires, one event a line, until interrupted or the agent stops.',
  positionals: [],
  flags: [],
  run: async (context) => {
    const { settings, io } = context;
    await withAgent(context, async (client) => {
      for await (const event of client.watch())
        io.out(settings.json ? eventJson(event) : eventText(event, io.terminal));
    });
    return exitCodes.ok;
  },
};

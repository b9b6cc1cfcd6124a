import { closedJson } from './output/json.ts';
import { printable } from './output/style.ts';
import { timeoutFlag, withAgent } from './shell/agent-client.ts';
import { exitCodes } from './shell/exit.ts';
import type { Verb } from './shell/verb.ts';

export const close: Verb = {
  details:
    'Returns when the devices are gone. Stops at the first that cannot be closed. A client that still wants its ' +
    'connection asks for it again.',
  positionals: [
    {
      name: 'ID',
      summary: "The agent's id of a connection, or its client's if only one has it",
      many: true,
      optional: false,
      completes: 'connection',
    },
  ],
  flags: [timeoutFlag],
  run: async (context) => {
    const { given, settings, io } = context;
    await withAgent(context, async (client) => {
      for (const id of given.positionals) {
        await client.connections.close(id);
        io.out(settings.json ? closedJson(id) : `Closed ${printable(id)}\n`);
      }
    });
    return exitCodes.ok;
  },
};

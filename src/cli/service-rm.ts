import { removedJson } from './output/json.ts';
import { printable } from './output/style.ts';
import { timeoutFlag, withAgent } from './shell/agent-client.ts';
import { exitCodes } from './shell/exit.ts';
import type { Verb } from './shell/verb.ts';

export const serviceRm: Verb = {
  details: 'What is connected stays so. Stops at the first that cannot be removed.',
  positionals: [
    { name: 'NAME', summary: 'The name of a service', many: true, optional: false, completes: 'service' },
  ],
  flags: [timeoutFlag],
  run: async (context) => {
    const { given, settings, io } = context;
    await withAgent(context, async (client) => {
      for (const name of given.positionals) {
        await client.services.remove(name);
        io.out(settings.json ? removedJson(name) : `Removed ${printable(name)}\n`);
      }
    });
    return exitCodes.ok;
  },
};

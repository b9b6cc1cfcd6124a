import { removedJson } from './output/json.ts';
import { printable } from './output/style.ts';
import { timeoutFlag, withAgent } from './shell/agent-client.ts';
import { exitCodes } from './shell/exit.ts';
import type { Verb } from './shell/verb.ts';
import { oneWire, wireNameOf } from './wire-name.ts';

export const wireRm: Verb = {
  details: 'Returns when the devices are gone. Stops at the first that cannot be removed.',
  positionals: [{ ...oneWire, many: true }],
  flags: [timeoutFlag],
  run: async (context) => {
    const { given, settings, io } = context;
    const wires = given.positionals.map((typed) => ({ typed, name: wireNameOf(typed) }));
    await withAgent(context, async (client) => {
      for (const { typed, name } of wires) {
        await client.remove(name);
        io.out(settings.json ? removedJson(typed) : `Removed ${printable(typed)}\n`);
      }
    });
    return exitCodes.ok;
  },
};

import { wireJson } from './output/json.ts';
import { wireText } from './output/wire.ts';
import { exitCodes } from './shell/exit.ts';
import type { Verb } from './shell/verb.ts';
import { oneWire, wireNameOf } from './wire-name.ts';

export const inspect: Verb = {
  details: 'Reads the pinned maps and the state files, so it works when no agent runs; it takes root.',
  positionals: [oneWire],
  flags: [],
  run: async ({ given, settings, io, sources }) => {
    const wire = await sources.readWire(settings, wireNameOf(given.first));
    io.out(settings.json ? wireJson(wire) : wireText(wire, io.now(), io.terminal));
    return exitCodes.ok;
  },
};

import { wireListJson } from './output/json.ts';
import { printable } from './output/style.ts';
import { wireListText } from './output/wires.ts';
import { exitCodes } from './shell/exit.ts';
import { type Verb, toggle } from './shell/verb.ts';

export const wireLs: Verb = {
  details:
    'Those of connections too. Reads the pinned maps and the state files, so it works when no agent runs; it takes root.',
  positionals: [],
  flags: [toggle('quiet', 'Print the names of their connections only, one a line')],
  run: async ({ given, settings, io, sources }) => {
    const wires = await sources.readWires(settings);
    if (settings.json) io.out(wireListJson(wires, null));
    else if (given.on('quiet')) io.out(wires.map(({ connection }) => `${printable(connection)}\n`).join(''));
    else if (wires.length === 0 && io.terminal.watched)
      io.out(`No wires in instance '${settings.instance}'\n`);
    else io.out(await wireListText(wires, io.now(), io.terminal));
    return exitCodes.ok;
  },
};

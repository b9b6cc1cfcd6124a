import { wireListJson } from './output/json.ts';
import { overviewNames, overviewText } from './output/overview.ts';
import { printable } from './output/style.ts';
import { exitCodes } from './shell/exit.ts';
import { type Verb, toggle } from './shell/verb.ts';

export const ls: Verb = {
  details:
    'What workloads asked for and what was made by hand. Reads the pinned maps and the state files, so it works ' +
    'when no agent runs; it takes root.',
  positionals: [],
  flags: [toggle('quiet', 'Print names only, one a line')],
  run: async ({ given, settings, io, sources }) => {
    const wires = await sources.readWires(settings);
    const connections = await sources.readConnections(settings, wires);
    if (settings.json) io.out(wireListJson(wires, connections));
    else if (given.on('quiet'))
      io.out(
        overviewNames(wires, connections)
          .map((name) => `${printable(name)}\n`)
          .join(''),
      );
    else if (wires.length + connections.length === 0 && io.terminal.watched)
      io.out(`No connections and no wires in instance '${settings.instance}'\n`);
    else io.out(await overviewText(wires, connections, io.now(), io.terminal));
    return exitCodes.ok;
  },
};

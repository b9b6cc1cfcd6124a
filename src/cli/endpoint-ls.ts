import { endpointListText } from './output/endpoint.ts';
import { endpointListJson } from './output/json.ts';
import { printable } from './output/style.ts';
import { timeoutFlag, withAgent } from './shell/agent-client.ts';
import { exitCodes } from './shell/exit.ts';
import { type Verb, toggle } from './shell/verb.ts';

export const endpointLs: Verb = {
  details: 'Those the agent answers for, and those that registered themselves.',
  positionals: [],
  flags: [toggle('quiet', 'Print names only, one a line'), timeoutFlag],
  run: async (context) => {
    const { given, settings, io } = context;
    const endpoints = await withAgent(context, (client) => client.endpoints.list());
    if (settings.json) io.out(endpointListJson(endpoints));
    else if (given.on('quiet')) io.out(endpoints.map(({ name }) => `${printable(name)}\n`).join(''));
    else if (endpoints.length === 0 && io.terminal.watched)
      io.out(`No endpoints in instance '${settings.instance}'\n`);
    else io.out(await endpointListText(endpoints, io.now(), io.terminal));
    return exitCodes.ok;
  },
};

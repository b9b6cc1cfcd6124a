import { serviceListJson } from './output/json.ts';
import { serviceListText } from './output/service.ts';
import { printable } from './output/style.ts';
import { timeoutFlag, withAgent } from './shell/agent-client.ts';
import { exitCodes } from './shell/exit.ts';
import { type Verb, toggle } from './shell/verb.ts';

export const serviceLs: Verb = {
  details: '',
  positionals: [],
  flags: [toggle('quiet', 'Print names only, one a line'), timeoutFlag],
  run: async (context) => {
    const { given, settings, io } = context;
    const services = await withAgent(context, (client) => client.services.list());
    if (settings.json) io.out(serviceListJson(services));
    else if (given.on('quiet')) io.out(services.map(({ name }) => `${printable(name)}\n`).join(''));
    else if (services.length === 0 && io.terminal.watched)
      io.out(`No services in instance '${settings.instance}'\n`);
    else io.out(await serviceListText(services, io.terminal));
    return exitCodes.ok;
  },
};

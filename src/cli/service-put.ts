import { serviceJson } from './output/json.ts';
import { serviceText } from './output/service.ts';
import { readInput } from './input.ts';
import { timeoutFlag, withAgent } from './shell/agent-client.ts';
import { exitCodes } from './shell/exit.ts';
import { type Verb, text } from './shell/verb.ts';

export const servicePut: Verb = {
  details:
    'Makes the services that a file in YAML or JSON describes, or replaces them. Each document of it is either ' +
    '{name, payload, matches} or a NetworkService of networkservicemesh.io/v1 as for Kubernetes.\n\n' +
    "printf 'name: my-service\\nmatches: [{routes: [{destination_selector: {app: web}}]}]\\n' | vwire service put --file -",
  positionals: [],
  flags: [{ ...text('file', 'FILE', 'Where to read them; - is stdin', 'file'), short: 'f' }, timeoutFlag],
  run: async (context) => {
    const { given, settings, io } = context;
    const file = given.required('file', 'FILE, or - for stdin');
    const { serviceSpecsOf } = await import('./service-file.ts');
    const specs = serviceSpecsOf(await readInput(file, io), file);
    await withAgent(context, async (client) => {
      for (const spec of specs) {
        const service = await client.services.put(spec);
        io.out(settings.json ? serviceJson(service) : serviceText(service, io.terminal));
      }
    });
    return exitCodes.ok;
  },
};

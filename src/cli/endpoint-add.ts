import { labelFlag, labelsOf } from './label.ts';
import { endpointText } from './output/endpoint.ts';
import { endpointJson } from './output/json.ts';
import { routeForm, routeOf } from './route.ts';
import { timeoutFlag, withAgent } from './shell/agent-client.ts';
import { exitCodes } from './shell/exit.ts';
import { type Verb, choice, text, texts } from './shell/verb.ts';

export const payloadFlag = choice(
  'payload',
  'PAYLOAD',
  ['ETHERNET', 'IP'],
  'What the wire is for: frames between any two, or IP packets (default: IP)',
);

export const endpointAdd: Verb = {
  details:
    'The agent itself answers requests for the service: each client gets an interface, whose other end is in the ' +
    'namespace, and addresses of the pools. It stays until it is removed.\n\n' +
    'vwire endpoint add my-service --netns server --pool 172.16.1.0/24 --pool 2001:db8::/112',
  positionals: [
    {
      name: 'SERVICE',
      summary: 'The network service it offers',
      many: true,
      optional: false,
      completes: 'service',
    },
  ],
  flags: [
    text('netns', 'NETNS', 'Where its end of the wires is: pid:N, name:N or path:P', 'netns'),
    text('name', 'NAME', "Its own name (default: drawn from the service's)"),
    labelFlag,
    texts('pool', 'CIDR', 'Addresses for clients and this end, v4 or v6; may be given more than once'),
    texts('route', routeForm, 'A route for clients, through this end unless it says via'),
    text('mtu', 'BYTES', 'MTU of its wires (default: 1500)'),
    payloadFlag,
    timeoutFlag,
  ],
  run: async (context) => {
    const { given, settings, io } = context;
    const spec = {
      name: given.text('name'),
      services: given.positionals,
      labels: labelsOf(given.texts('label')),
      netns: given.required('netns', 'NETNS: pid:N, name:N or path:P'),
      pools: given.texts('pool'),
      routes: given.texts('route').map(routeOf),
      mtu: given.count('mtu', 'bytes'),
      payload: given.text('payload') ?? 'IP',
    };
    const endpoint = await withAgent(context, (client) => client.endpoints.add(spec));
    io.out(settings.json ? endpointJson(endpoint) : endpointText(endpoint, io.now(), io.terminal));
    return exitCodes.ok;
  },
};

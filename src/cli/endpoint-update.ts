import { Failure } from '../features/failure.ts';
import { endpointText } from './output/endpoint.ts';
import { endpointJson } from './output/json.ts';
import { routeForm, routeOf } from './route.ts';
import { timeoutFlag, withAgent } from './shell/agent-client.ts';
import { exitCodes } from './shell/exit.ts';
import { type Verb, text, texts, toggle } from './shell/verb.ts';

export const endpointUpdate: Verb = {
  details:
    'Of one the agent answers for. What is given replaces all of its kind; returns when its clients have it.\n\n' +
    'vwire endpoint update gateway --route 10.96.0.0/16',
  positionals: [
    { name: 'NAME', summary: 'The name of an endpoint', many: false, optional: false, completes: 'endpoint' },
  ],
  flags: [
    texts('pool', 'CIDR', 'Addresses for clients and this end, v4 or v6; may be given more than once'),
    texts('route', routeForm, 'A route for clients, through this end unless it says via'),
    toggle('no-routes', 'Take all routes away'),
    text('mtu', 'BYTES', 'MTU of its wires'),
    timeoutFlag,
  ],
  run: async (context) => {
    const { given, settings, io } = context;
    const [name = ''] = given.positionals;
    const pools = given.texts('pool');
    const routes = given.texts('route').map(routeOf);
    const none = given.on('no-routes');
    const mtu = given.count('mtu', 'bytes');
    if (pools.length + routes.length === 0 && !none && mtu === null)
      throw new Failure('invalid', 'Nothing is to be changed: give --pool, --route, --no-routes or --mtu', {
        allowed: '--pool, --route, --no-routes, --mtu',
      });
    if (none && routes.length > 0)
      throw new Failure('invalid', "'--no-routes' and '--route' exclude each other", {
        field: 'no-routes',
        allowed: 'one of the two',
      });
    const change = {
      pools: pools.length > 0 ? pools : null,
      routes: none || routes.length > 0 ? routes : null,
      mtu,
    };
    const endpoint = await withAgent(context, (client) => client.endpoints.update(name, change));
    io.out(settings.json ? endpointJson(endpoint) : endpointText(endpoint, io.now(), io.terminal));
    return exitCodes.ok;
  },
};

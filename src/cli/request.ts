import { labelFlag } from './label.ts';
import { type Verb, choice, text, toggle } from './shell/verb.ts';

export const request: Verb = {
  details:
    "Asks the agent for a connection and prints the agent's id of it once traffic flows. The connection stays until it " +
    'is closed, its namespace ends or its --ttl is over. With --from, or NSM_NETWORK_SERVICES, it asks for several, ' +
    'tries again while endpoints are missing, and closes all if one cannot be had: for an init container.\n\n' +
    'vwire request my-service --interface nsm-1 --label app=web',
  positionals: [
    {
      name: 'SERVICE',
      summary: 'The network service; not with --from',
      many: false,
      optional: true,
      completes: 'service',
    },
  ],
  flags: [
    text('from', 'FILE', 'Ask for what this file lists; - is stdin', 'file'),
    text('netns', 'NETNS', "Where the interface is to be (default: this process's own)", 'netns'),
    text('interface', 'NAME', 'Its name there (default: from the name of the service)'),
    labelFlag,
    text('endpoint', 'NAME', 'Take this endpoint and no other', 'endpoint'),
    text('mtu', 'BYTES', 'MTU at most (default: what the wire takes)'),
    choice('payload', 'PAYLOAD', ['ETHERNET', 'IP'], 'What it is for (default: what the service carries)'),
    text('ttl', 'TIME', 'End the connection this long after nobody asks for it any more (default: never)'),
    toggle('hold', 'Stay, print what happens to it, close it at Ctrl-C or SIGTERM'),
    text('timeout', 'TIME', 'Give up after this long (default: 15s, several: 5m)'),
  ],
  run: async (context) => (await import('./request/carry-out.ts')).carryOut(context),
};

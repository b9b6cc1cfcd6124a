import { type DatapathChoice, datapathChoices } from '../features/wire/api.ts';
import { wireJson } from './output/json.ts';
import { wireText } from './output/wire.ts';
import { timeoutFlag, withAgent } from './shell/agent-client.ts';
import { exitCodes } from './shell/exit.ts';
import { type Flag, type Verb, choice, text, toggle } from './shell/verb.ts';
import { sideOf } from './side.ts';

const sideForm = 'NETNS[,name=NAME][,address=CIDR]..[,mac=MAC]';

export const datapathFlag: Flag = choice(
  'datapath',
  'DATAPATH',
  datapathChoices,
  'How the kernel forwards; auto chooses by rules that explain tells',
);
export const mtuFlag: Flag = text('mtu', 'BYTES', 'MTU of all four ends (default: 1500)');

/** The choice the parser has already checked; null if none was made. */
export const datapathOf = (typed: string | null): DatapathChoice | null =>
  datapathChoices.find((known) => known === typed) ?? null;

export const wireAdd: Verb = {
  details:
    'A namespace is pid:N, name:N (in /run/netns) or path:P; bare, it is a path if it has a slash, a pid if it ' +
    'is all digits, else a name. Returns when the first packet would arrive at once.\n\n' +
    'vwire wire add --left a,address=10.0.0.1/24 --right b,address=10.0.0.2/24',
  positionals: [],
  flags: [
    text('left', sideForm, 'One end', 'netns'),
    text('right', sideForm, 'The other end', 'netns'),
    text('connection', 'NAME', 'A name of your own for it (default: wire-ID)'),
    mtuFlag,
    datapathFlag,
    toggle('accept-no-offload', 'Allow xdp between pods, at the price of their checksum offload'),
    timeoutFlag,
  ],
  run: async (context) => {
    const { given, settings, io } = context;
    const spec = {
      connection: given.text('connection'),
      left: sideOf('left', given.required('left', sideForm)),
      right: sideOf('right', given.required('right', sideForm)),
      mtu: given.count('mtu', 'bytes'),
      datapath: datapathOf(given.text('datapath')) ?? 'auto',
      acceptNoOffload: given.on('accept-no-offload'),
    };
    const wire = await withAgent(context, (client) => client.add(spec));
    io.out(settings.json ? wireJson(wire) : wireText(wire, io.now(), io.terminal));
    return exitCodes.ok;
  },
};

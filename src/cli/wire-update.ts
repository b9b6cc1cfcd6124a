import { Failure } from '../features/failure.ts';
import { wireJson } from './output/json.ts';
import { wireText } from './output/wire.ts';
import { timeoutFlag, withAgent } from './shell/agent-client.ts';
import { exitCodes } from './shell/exit.ts';
import type { Verb } from './shell/verb.ts';
import { datapathFlag, datapathOf, mtuFlag } from './wire-add.ts';
import { oneWire, wireNameOf } from './wire-name.ts';

export const wireUpdate: Verb = {
  details: 'Traffic goes on while it is changed.',
  positionals: [oneWire],
  flags: [{ ...mtuFlag, summary: 'MTU of all four ends' }, datapathFlag, timeoutFlag],
  run: async (context) => {
    const { given, settings, io } = context;
    const change = { mtu: given.count('mtu', 'bytes'), datapath: datapathOf(given.text('datapath')) };
    if (change.mtu === null && change.datapath === null)
      throw new Failure('invalid', "Nothing to change: give '--mtu' or '--datapath'", {
        allowed: '--mtu, --datapath',
      });
    const name = wireNameOf(given.first);
    const wire = await withAgent(context, (client) => client.update(name, change));
    io.out(settings.json ? wireJson(wire) : wireText(wire, io.now(), io.terminal));
    return exitCodes.ok;
  },
};

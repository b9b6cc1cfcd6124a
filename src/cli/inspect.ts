import { Failure } from '../features/failure.ts';
import { type WireItem, type WireName } from '../features/wire/api.ts';
import { wireJson } from './output/json.ts';
import { wireText } from './output/wire.ts';
import { exitCodes } from './shell/exit.ts';
import { type Verb } from './shell/verb.ts';
import { oneWire, wireNameOf } from './wire-name.ts';

const fits = (wire: WireItem, name: WireName): boolean =>
  'id' in name ? wire.id === name.id : wire.connection === name.connection;

export const inspect: Verb = {
  details: 'Reads the pinned maps and the state files, so it works when no agent runs; it takes root.',
  positionals: [oneWire],
  flags: [],
  run: async ({ given, settings, io, sources }) => {
    const name = wireNameOf(given.first);
    const wires = await sources.readWires(settings);
    const wire = wires.find((each) => fits(each, name));
    if (wire === undefined)
      throw new Failure('not_found', `No wire '${given.first}' in instance '${settings.instance}'`, {
        field: 'name',
        value: given.first,
      });
    io.out(settings.json ? wireJson(wire) : wireText(wire, io.now(), io.terminal));
    return exitCodes.ok;
  },
};

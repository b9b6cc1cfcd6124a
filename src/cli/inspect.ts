import { connectionText } from './output/connection.ts';
import { errorsText } from './output/explanation.ts';
import { carrierJson, connectionJson } from './output/json.ts';
import { wireText } from './output/wire.ts';
import { exitCodes } from './shell/exit.ts';
import type { Io } from './shell/io.ts';
import type { Story } from './shell/sources.ts';
import type { Verb } from './shell/verb.ts';
import { oneStory, wireNameOf } from './wire-name.ts';

/** Who asks for a wire's id gets a wire, who asks for a connection a connection; each with the other. */
function json({ connection, wire }: Story, byWire: boolean): string {
  if (wire !== null && (byWire || connection === null)) return carrierJson(wire, connection);
  return connection === null ? '' : connectionJson(connection, wire);
}

function text({ connection, wire }: Story, io: Io): string {
  const at = io.now();
  const { terminal } = io;
  return [
    ...(connection === null ? [] : [connectionText(connection, at, terminal)]),
    ...(wire === null ? [] : [wireText(wire, at, terminal)]),
    ...(connection === null || connection.errors.length === 0 ? [] : [errorsText(connection, terminal)]),
  ].join('\n');
}

export const inspect: Verb = {
  details: 'Reads the pinned maps and the state files, so it works when no agent runs; it takes root.',
  positionals: [oneStory],
  flags: [],
  run: async ({ given, settings, io, sources }) => {
    const name = wireNameOf(given.first);
    const story = await sources.readStory(settings, name);
    io.out(settings.json ? json(story, 'id' in name) : text(story, io));
    return exitCodes.ok;
  },
};

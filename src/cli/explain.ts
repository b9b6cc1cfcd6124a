import { explanationText } from './output/explanation.ts';
import { explanationJson } from './output/json.ts';
import { exitCodes } from './shell/exit.ts';
import type { Verb } from './shell/verb.ts';
import { oneStory, wireNameOf } from './wire-name.ts';

export const explain: Verb = {
  details:
    'From the request, over endpoint and interfaces, to the entries in the kernel and what they counted. Reads the ' +
    'pinned maps and the state files, so it works when no agent runs; it takes root.',
  positionals: [oneStory],
  flags: [],
  run: async ({ given, settings, io, sources }) => {
    const explanation = await sources.explain(settings, wireNameOf(given.first));
    io.out(
      settings.json ? explanationJson(explanation) : explanationText(explanation, io.now(), io.terminal),
    );
    return exitCodes.ok;
  },
};

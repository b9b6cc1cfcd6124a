import { Failure } from '../features/failure.ts';
import { bashScript } from './completion/bash.ts';
import { modelOf } from './completion/model.ts';
import { zshScript } from './completion/zsh.ts';
import { exitCodes } from './shell/exit.ts';
import type { Verb } from './shell/verb.ts';

const scripts = { bash: bashScript, zsh: zshScript } as const;
const shells = ['bash', 'zsh'] as const;

export const completion: Verb = {
  details: 'source <(vwire completion bash)',
  positionals: [
    { name: 'SHELL', summary: shells.join(' or '), many: false, optional: false, completes: shells },
  ],
  flags: [],
  run: async ({ given, io }) => {
    const shell = shells.find((known) => known === given.first);
    if (shell === undefined) {
      const allowed = shells.join(', ');
      throw new Failure('invalid', `There is no completion for '${given.first}': allowed are ${allowed}`, {
        field: 'shell',
        value: given.first,
        allowed,
      });
    }
    // The table has this verb in it, so it cannot be a static import.
    const { table } = await import('./verbs.ts');
    io.out(scripts[shell](await modelOf(table)));
    return exitCodes.ok;
  },
};

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Failure } from '../features/failure.ts';
import { Stage } from './demo/stage.ts';
import { requestStory } from './demo/request-story.ts';
import { tell, type Scene } from './demo/story.ts';
import { wireStory } from './demo/wire-story.ts';
import { exitCodes } from './shell/exit.ts';
import { toggle, type Context, type Verb } from './shell/verb.ts';

/** Own devices, mounts and processes: nothing of the demo can reach the machine or outlive it. */
const apart = [
  '--mount',
  '--net',
  '--pid',
  '--fork',
  '--kill-child',
  '--mount-proc',
  '--propagation',
  'private',
];

/** Starts the same command again in namespaces of its own; they go with it, whatever happens. */
async function goInside({ io }: Context): Promise<number> {
  if (process.getuid?.() !== 0)
    throw new Failure('unsupported', 'The demo makes namespaces and loads BPF programs: run it as root');
  const [script = '', ...typed] = process.argv.slice(1);
  const child = spawn('unshare', [...apart, process.execPath, script, ...typed, '--inside'], {
    stdio: 'inherit',
  });
  const stop = io.until('SIGINT', 'SIGTERM');
  // The first process of a pid namespace hears no SIGINT; unshare ignores it too.
  stop.addEventListener('abort', () => child.kill('SIGKILL'));
  const [code] = (await once(child, 'close')) as [number | null];
  if (stop.aborted) return exitCodes.interrupted;
  return code ?? exitCodes.failed;
}

const stories = { request: requestStory, wire: wireStory };

function storyOf(name = 'request'): readonly Scene[] {
  const found = Object.entries(stories).find(([known]) => known === name);
  if (found) return found[1];
  const allowed = Object.keys(stories).join(', ');
  throw new Failure('invalid', `'${name}' is no story of the demo: allowed are ${allowed}`, {
    field: 'STORY',
    value: name,
    allowed,
  });
}

async function play({ io, given }: Context): Promise<number> {
  const story = storyOf(given.positionals[0]);
  const stage = new Stage();
  const say = (line: string): void => {
    io.out(`${line}\n`);
  };
  try {
    await stage.run('mount', '-t', 'tmpfs', 'tmpfs', '/run');
    await stage.run('mount', '-t', 'bpf', 'bpf', '/sys/fs/bpf');
    await stage.run('ip', 'link', 'set', 'lo', 'up');
    const start = performance.now();
    await tell(stage, story, say);
    say(
      `\nEverything above was checked as it was said. ${((performance.now() - start) / 1000).toFixed(0)} s.`,
    );
    return exitCodes.ok;
  } finally {
    stage.close();
  }
}

export const demo: Verb = {
  details:
    'Needs root, and ip, ping, bpftool and nsenter. Everything happens in namespaces that end with it, ' +
    'also when interrupted; it fails at the first thing that is not as it says.',
  positionals: [
    {
      name: 'STORY',
      summary: 'request, how a workload asks for a service (default), or wire, what a wire is',
      many: false,
      optional: true,
      completes: null,
    },
  ],
  flags: [toggle('inside', 'Already in namespaces of its own')],
  run: (context) => (context.given.on('inside') ? play(context) : goInside(context)),
};

import { readdirSync } from 'node:fs';
import { claim, resultOf, type Running, type Stage } from './stage.ts';

export const pins = '/sys/fs/bpf/vwire/default/v1';

interface Loss {
  peer: boolean;
  received: number;
  lost: number;
  maxGapMs: number;
  rcvbufErrors: number;
}

/** Ids that a restart must not change: maps, programs, devices. */
export async function identities(stage: Stage): Promise<string> {
  const maps = JSON.parse(await stage.run('bpftool', '-j', 'map', 'show', 'pinned', `${pins}/maps/hops`)) as {
    id: number;
  };
  const programs = await Promise.all(
    readdirSync(`${pins}/programs`)
      .filter((name) => name.startsWith('vwire_tc_own'))
      .map((name) => stage.run('bpftool', '-j', 'prog', 'show', 'pinned', `${pins}/programs/${name}`)),
  );
  const program = JSON.parse(programs[0] ?? '{}') as { id?: number };
  const links = JSON.parse(await stage.run('ip', '-j', 'link', 'show', 'type', 'veth')) as {
    ifindex: number;
    ifalias?: string;
  }[];
  const ours = links.filter((l) => l.ifalias?.startsWith('vwire:')).map((l) => l.ifindex);
  return `map id ${maps.id}, program id ${program.id ?? 'none'}, ifindexes ${ours.join(' and ')}`;
}

/** One end of the traffic: where it runs, and where it sends to. */
export interface End {
  pod: string;
  to: string;
}

/**
 * Kills the agent twice while both ends send 50,000 packets/s each, and starts it again. Returns what was found and
 * the agent that runs now.
 */
export async function accident(
  stage: Stage,
  agent: Running | null,
  ends: readonly [End, End],
): Promise<{ lines: string[]; agent: Running }> {
  const before = await identities(stage);
  const rate = ['--rate', '50000', '--seconds', '20'];
  const senders = ends.map(({ pod, to }, cpu) =>
    stage.startTool(pod, 'seqloss', '--to', to, ...rate, '--cpu', String(cpu)),
  );
  await Promise.all(senders.map((sender) => sender.ready()));
  let current = agent;
  for (let kills = 0; kills < 2; kills++) {
    await current?.end('SIGKILL');
    await stage.vwire('ls'); // reads the pinned maps: there is no agent to ask
    current = await stage.startAgent();
  }
  if (!current) throw new Error('No agent was started');
  const results = (await Promise.all(senders.map((sender) => sender.end()))).map(
    (text) => resultOf(text) as Loss,
  );
  for (const { peer, lost, rcvbufErrors } of results) {
    claim(peer && rcvbufErrors === 0, 'the measurement is complete');
    claim(lost === 0, `no packet is lost while the agent is dead (${lost} were)`);
  }
  const now = await identities(stage);
  claim(now === before, `a restarted agent finds what was there (${before} became ${now})`);
  const sum = results.reduce((n, r) => n + r.received, 0);
  const silence = Math.max(...results.map((r) => r.maxGapMs)).toFixed(1);
  return {
    lines: [
      `SIGKILL twice under 100,000 packets/s: 0 of ${sum} lost, longest silence ${silence} ms`,
      `adopted, not rebuilt: ${now}`,
    ],
    agent: current,
  };
}

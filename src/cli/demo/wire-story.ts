import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { compare, layCableAndBridge } from './compare.ts';
import { oddFrames } from './odd-frames.ts';
import { claim, resultOf, type Running, type Stage } from './stage.ts';

/** What one scene hands to the next. */
interface Props {
  agent: Running | null;
  ids: string;
}

interface Scene {
  title: string;
  /** Lines to show; throws when something it says is untrue. */
  play: (stage: Stage, props: Props) => Promise<string[]>;
}

const pins = '/sys/fs/bpf/vwire/default/v1';

interface Loss {
  peer: boolean;
  received: number;
  lost: number;
  maxGapMs: number;
  rcvbufErrors: number;
}

/** Ids that a restart must not change: maps, programs, devices. */
async function identities(stage: Stage): Promise<string> {
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

const macOf = async (stage: Stage, pod: string): Promise<string> =>
  (JSON.parse(await stage.run('ip', '-n', pod, '-j', 'link', 'show', 'vwire0')) as { address: string }[])[0]
    ?.address ?? '';

async function agentUp(stage: Stage, props: Props): Promise<string[]> {
  const start = performance.now();
  props.agent = await stage.startAgent();
  return [`pid ${props.agent.pid}, answering after ${Math.round(performance.now() - start)} ms`];
}

async function pull(stage: Stage): Promise<string[]> {
  const args = [
    'wire',
    'add',
    '--left',
    'red,address=10.0.0.1/24,address=fd00::1/64',
    '--right',
    'blue,address=10.0.0.2/24,address=fd00::2/64',
  ];
  await stage.vwire(...args);
  return [`$ vwire ${args.join(' ')}`, ...(await stage.vwire('ls')).trimEnd().split('\n')];
}

async function firstPackets(stage: Stage): Promise<string[]> {
  const rtt = async (family: string, to: string): Promise<string> => {
    const out = await stage.inPod('red', 'ping', family, '-c', '3', '-i', '0.01', '-W', '1', to);
    claim(out.includes(' 0% packet loss'), `every ping to ${to} is answered`);
    const first = Number(/icmp_seq=1 .*time=([\d.]+)/.exec(out)?.[1]);
    claim(first < 100, `the first packet to ${to} is not late (${first} ms)`);
    return `ping ${to}: first answer after ${first} ms`;
  };
  return [
    `${await rtt('-4', '10.0.0.2')} (ARP included)`,
    `${await rtt('-6', 'fd00::2')} (neighbour discovery included)`,
  ];
}

async function bulk(stage: Stage): Promise<string[]> {
  const taker = stage.startTool('blue', 'tcp-hash', 'take');
  await taker.ready();
  const given = resultOf(
    await stage.tool('red', 'tcp-hash', 'give', '--to', '10.0.0.2', '--mbytes', '500'),
  ) as { hash: string; bytes: number };
  const taken = resultOf(await taker.end()) as { hash: string; bytes: number; seconds: number };
  claim(given.hash === taken.hash, 'the hash of the stream is the same on both sides');
  return [`${taken.bytes / 1e6} MB in ${taken.seconds.toFixed(2)} s, hash ${taken.hash} on both sides`];
}

async function oddities(stage: Stage): Promise<string[]> {
  const frames = oddFrames(await macOf(stage, 'red'), await macOf(stage, 'blue'));
  const capture = stage.startTool('blue', 'frames', 'capture', 'vwire0', '--seconds', '10');
  await capture.ready();
  writeFileSync('/run/odd-frames', `${frames.map((f) => f.line).join('\n')}\n`);
  await stage.toolReading('/run/odd-frames', 'red', 'frames', 'send', 'vwire0');
  const arrived = new Set<string>();
  for (
    const deadline = performance.now() + 5000;
    performance.now() < deadline && arrived.size < frames.length;
  ) {
    for (const line of capture.said().split('\n')) if (frames.some((f) => f.line === line)) arrived.add(line);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await capture.end();
  const missing = frames.filter((f) => !arrived.has(f.line)).map((f) => f.name);
  claim(missing.length === 0, `every odd frame arrives byte for byte (missing: ${missing.join(', ')})`);
  return [`${frames.map((f) => f.name).join(', ')}: ${arrived.size} of ${frames.length} byte for byte`];
}

async function maps(stage: Stage): Promise<string[]> {
  const dump = await stage.run('bpftool', 'map', 'dump', 'pinned', `${pins}/maps/hops`);
  const first = dump
    .slice(0, dump.indexOf('},{'))
    .split('\n')
    .filter((line) => !/spare|^\s*\]/.test(line));
  return [`$ bpftool map dump pinned ${pins}/maps/hops`, ...first, '  ...'];
}

async function accident(stage: Stage, props: Props): Promise<string[]> {
  props.ids = await identities(stage);
  const left = stage.startTool(
    'red',
    'seqloss',
    '--to',
    '10.0.0.2',
    '--rate',
    '50000',
    '--seconds',
    '20',
    '--cpu',
    '0',
  );
  const right = stage.startTool(
    'blue',
    'seqloss',
    '--to',
    '10.0.0.1',
    '--rate',
    '50000',
    '--seconds',
    '20',
    '--cpu',
    '1',
  );
  await Promise.all([left.ready(), right.ready()]);
  const kill = async (): Promise<void> => {
    await props.agent?.end('SIGKILL');
    await stage.vwire('ls'); // reads the pinned maps: there is no agent to ask
    props.agent = await stage.startAgent();
  };
  await kill();
  await kill();
  const ended = left.end();
  const results = [await ended, await right.end()].map((text) => resultOf(text) as Loss);
  for (const { peer, lost, rcvbufErrors } of results) {
    claim(peer && rcvbufErrors === 0, 'the measurement is complete');
    claim(lost === 0, `no packet is lost while the agent is dead (${lost} were)`);
  }
  const now = await identities(stage);
  claim(now === props.ids, `a restarted agent finds what was there (${props.ids} became ${now})`);
  const sum = results.reduce((n, r) => n + r.received, 0);
  return [
    `SIGKILL twice under 100,000 packets/s: 0 of ${sum} lost, longest silence ${Math.max(...results.map((r) => r.maxGapMs)).toFixed(1)} ms`,
    `adopted, not rebuilt: ${now}`,
  ];
}

async function race(stage: Stage): Promise<string[]> {
  return compare(stage, await layCableAndBridge(stage), 2, 600);
}

async function gone(stage: Stage, props: Props): Promise<string[]> {
  await stage.vwire('wire', 'rm', '1');
  const left = (await stage.run('ip', '-o', 'link')).split('\n').filter((line) => line.includes('vwire:'));
  claim(left.length === 0, 'no device is left');
  claim(readdirSync('/run/vwire/default/state/wires').length === 0, 'no state file is left');
  const entries = JSON.parse(
    await stage.run('bpftool', '-j', 'map', 'dump', 'pinned', `${pins}/maps/hops`),
  ) as unknown[];
  claim(entries.length === 0, 'no map entry is left');
  await props.agent?.end();
  return ['no device, no map entry, no state file is left'];
}

/** The wire's own demo, in the order it is told. */
export const wireStory: readonly Scene[] = [
  {
    title: 'Two pods, red and blue: network namespaces with nothing in between',
    play: async (stage) => {
      await stage.makePod('red');
      await stage.makePod('blue');
      return [readFileSync('/proc/version', 'utf8').split(' ').slice(0, 3).join(' ')];
    },
  },
  { title: 'An agent', play: agentUp },
  { title: 'One command pulls a wire', play: pull },
  { title: 'The first packet arrives at once', play: firstPackets },
  { title: 'A stream arrives as it was sent', play: bulk },
  { title: 'So do frames a bridge would keep or change', play: oddities },
  { title: 'What the kernel knows is readable', play: maps },
  { title: 'The agent is killed under load', play: accident },
  { title: 'How fast it is, in ratios to a bare cable', play: race },
  { title: 'Taken down, it leaves nothing', play: gone },
];

export async function tell(
  stage: Stage,
  story: readonly Scene[],
  say: (line: string) => void,
): Promise<void> {
  const props: Props = { agent: null, ids: '' };
  for (const [index, { title, play }] of story.entries()) {
    say(`\n${index + 1}. ${title}`);
    for (const line of await play(stage, props)) say(`   ${line}`);
  }
}

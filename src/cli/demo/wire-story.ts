import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { compare, layCableAndBridge } from './compare.ts';
import { oddFrames } from './odd-frames.ts';
import { accident, pins } from './accident.ts';
import { claim, type Stage } from './stage.ts';
import type { Props, Scene } from './story.ts';
import { firstPing, stream } from './traffic.ts';

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
  return [
    `${await firstPing(stage, 'red', '-4', '10.0.0.2')} (ARP included)`,
    `${await firstPing(stage, 'red', '-6', 'fd00::2')} (neighbour discovery included)`,
  ];
}

async function bulk(stage: Stage): Promise<string[]> {
  return [await stream(stage, 'red', 'blue', '10.0.0.2')];
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

async function kill(stage: Stage, props: Props): Promise<string[]> {
  const { lines, agent } = await accident(stage, props.agent, [
    { pod: 'red', to: '10.0.0.2' },
    { pod: 'blue', to: '10.0.0.1' },
  ]);
  props.agent = agent;
  return lines;
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
  { title: 'The agent is killed under load', play: kill },
  { title: 'How fast it is, in ratios to a bare cable', play: race },
  { title: 'Taken down, it leaves nothing', play: gone },
];

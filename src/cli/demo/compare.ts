import { claim, resultOf, type Stage } from './stage.ts';

export interface Way {
  name: string;
  /** Address of the blue pod on this way. */
  to: string;
}

interface Figures {
  packets: number;
  gbits: number;
}

/** A cable and a bridge beside the wire, between the same two pods. */
export async function layCableAndBridge(stage: Stage): Promise<Way[]> {
  const ip = (...args: string[]): Promise<string> => stage.run('ip', ...args);
  await ip('link', 'add', 'cable', 'netns', 'red', 'type', 'veth', 'peer', 'name', 'cable', 'netns', 'blue');
  await ip('link', 'add', 'br0', 'type', 'bridge');
  for (const pod of ['red', 'blue']) {
    await ip('link', 'add', `br-${pod}`, 'type', 'veth', 'peer', 'name', 'bridged', 'netns', pod);
    await ip('link', 'set', `br-${pod}`, 'master', 'br0', 'up');
  }
  await ip('link', 'set', 'br0', 'up');
  const hosts = { red: 1, blue: 2 } as const;
  for (const [pod, host] of Object.entries(hosts)) {
    for (const [device, net] of [
      ['cable', '10.1.0'],
      ['bridged', '10.2.0'],
    ] as const) {
      await ip('-n', pod, 'addr', 'add', `${net}.${host}/24`, 'dev', device);
      await ip('-n', pod, 'link', 'set', device, 'up');
    }
  }
  const ways = [
    { name: 'a bare cable (one veth pair)', to: '10.1.0.2' },
    { name: 'the wire, counters on', to: '10.0.0.2' },
    { name: 'a Linux bridge', to: '10.2.0.2' },
  ];
  for (const { to } of ways) await stage.inPod('red', 'ping', '-c', '1', '-W', '3', to);
  return ways;
}

async function packets(stage: Stage, to: string, ms: number): Promise<number> {
  const sink = stage.startTool('blue', 'udp-sink', '--port', '9', '--cpu', '1');
  await sink.ready();
  const { seconds } = resultOf(
    await stage.tool('red', 'udp-send', '--to', to, '--port', '9', '--ms', String(ms), '--cpu', '0'),
  ) as { seconds: number };
  return (resultOf(await sink.end()) as { delivered: number }).delivered / seconds;
}

async function gbits(stage: Stage, to: string, ms: number): Promise<number> {
  const taker = stage.startTool('blue', 'tcp-stream', 'take', '--connections', '1', '--cpu', '1');
  await taker.ready();
  await stage.tool(
    'red',
    'tcp-stream',
    'give',
    '--to',
    to,
    '--connections',
    '1',
    '--ms',
    String(ms),
    '--cpu',
    '0',
  );
  const { bytes, seconds } = resultOf(await taker.end()) as { bytes: number; seconds: number };
  return (bytes * 8) / seconds / 1e9;
}

const best = (values: readonly number[]): number => Math.max(...values);

/** Interleaved rounds, the best of each: the quickest way to a ratio that means something. */
export async function compare(
  stage: Stage,
  ways: readonly Way[],
  rounds: number,
  ms: number,
): Promise<string[]> {
  const seen = new Map<string, Figures[]>(ways.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++)
    for (const { name, to } of ways)
      seen.get(name)?.push({ packets: await packets(stage, to, ms), gbits: await gbits(stage, to, ms) });
  const figures = [...seen].map(([name, all]) => ({
    name,
    packets: best(all.map((f) => f.packets)),
    gbits: best(all.map((f) => f.gbits)),
  }));
  const cable = figures[0];
  claim(cable !== undefined && cable.packets > 0 && cable.gbits > 0, 'the cable carries traffic');
  const ratio = (a: number, b: number | undefined): string => (a / (b ?? 1)).toFixed(2);
  return figures.map(
    (f) =>
      `${f.name.padEnd(30)} ${(f.packets / 1e6).toFixed(2)} M small packets/s (${ratio(f.packets, cable?.packets)})` +
      `   TCP ${f.gbits.toFixed(1)} Gbit/s (${ratio(f.gbits, cable?.gbits)})`,
  );
}

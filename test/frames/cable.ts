import { type Pods, run } from '../pods.ts';
import { corpus, sentinel } from './corpus.ts';
import { Capture, sendLines, type Place } from './frames.ts';

export type Side = 'left' | 'right';
export const macs = { left: '02:00:00:00:00:01', right: '02:00:00:00:00:02' } as const;
export const directions = [
  ['left', 'right'],
  ['right', 'left'],
] as const;

/** Nobody but the test shall speak in these pods. Call it before they have devices. */
export function silence(pods: Pods, ...names: string[]): void {
  for (const pod of names)
    for (const which of ['all', 'default'])
      pods.exec(pod, 'sysctl', '-qw', `net.ipv6.conf.${which}.disable_ipv6=1`);
}

/** The oracle: device `bare` in both pods, one veth pair. Returns how to take it away. */
export function bareCable(names: Readonly<Record<Side, string>>, mtu: number): () => void {
  const end = (side: Side): string => `bare netns ${names[side]} address ${macs[side]} mtu ${mtu}`;
  run('ip', 'link', 'add', ...`${end('left')} type veth peer name ${end('right')}`.split(' '));
  for (const pod of Object.values(names)) run('ip', '-n', pod, 'link', 'set', 'bare', 'up');
  return () => {
    run('ip', '-n', names.left, 'link', 'del', 'bare');
  };
}

/**
 * Sends lines from `src` at one end; what comes out at the other, in order of arrival. `lastFrom` is the
 * device of the cable itself, where the lines go through another one on top of it.
 */
export async function carry(
  lines: readonly string[],
  from: Place,
  to: Place,
  src: string,
  { vnet = false, lastFrom = from } = {},
): Promise<string[]> {
  const last = `${vnet ? `${'00'.repeat(10)}:` : ''}${sentinel(src).toString('hex')}`;
  const capture = await Capture.start(to, { vnet });
  const refused = [
    ...sendLines(from, lines, { vnet }).refused,
    ...sendLines(lastFrom, [last], { vnet }).refused,
  ];
  if (refused.length > 0) throw new Error(`The sender's device refused ${JSON.stringify(refused)}`);
  await capture.seen(last);
  return (await capture.stop()).filter((line) => line !== last);
}

/** Names of the frames that came out of a cable, sorted, and of those that did not; a changed one is told in full. */
export interface Delivery {
  arrived: string[];
  lost: string[];
}

/**
 * Sends the whole corpus. Order is not compared: PEER overtakes REDIRECT, so that frames to the port and
 * frames to a group may change places.
 */
export async function deliver(
  from: Side,
  ends: Readonly<Record<Side, Place>>,
  mtu: number,
): Promise<Delivery> {
  const to = from === 'left' ? 'right' : 'left';
  const frames = corpus({ src: macs[from], dst: macs[to] }, mtu);
  const called = new Map(frames.map(({ name, frame }) => [frame.toString('hex'), name]));
  if (called.size !== frames.length) throw new Error('Two frames of the corpus are equal');
  const out = await carry([...called.keys()], ends[from], ends[to], macs[from]);
  const arrived = out.map((line) => called.get(line) ?? `changed: ${line}`).sort();
  return { arrived, lost: [...called.values()].filter((name) => !arrived.includes(name)) };
}

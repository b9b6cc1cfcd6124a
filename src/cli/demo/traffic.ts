import { claim, resultOf, type Stage } from './stage.ts';

/** Pings from a pod; says how long the first answer took, neighbour discovery included. */
export async function firstPing(stage: Stage, pod: string, family: '-4' | '-6', to: string): Promise<string> {
  const out = await stage.inPod(pod, 'ping', family, '-c', '3', '-i', '0.01', '-W', '1', to);
  claim(out.includes(' 0% packet loss'), `every ping to ${to} is answered`);
  const first = Number(/icmp_seq=1 .*time=([\d.]+)/.exec(out)?.[1]);
  claim(first < 100, `the first packet to ${to} is not late (${first} ms)`);
  return `ping ${to}: first answer after ${first} ms`;
}

/** Sends a stream from one pod to another and compares what arrives. */
export async function stream(stage: Stage, from: string, to: string, address: string): Promise<string> {
  const taker = stage.startTool(to, 'tcp-hash', 'take');
  await taker.ready();
  const given = resultOf(await stage.tool(from, 'tcp-hash', 'give', '--to', address, '--mbytes', '500')) as {
    hash: string;
  };
  const taken = resultOf(await taker.end()) as { hash: string; bytes: number; seconds: number };
  claim(given.hash === taken.hash, 'the hash of the stream is the same on both sides');
  return `${taken.bytes / 1e6} MB in ${taken.seconds.toFixed(2)} s, hash ${taken.hash} on both sides`;
}

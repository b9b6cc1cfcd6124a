import { existsSync, readdirSync } from 'node:fs';
import { accident, pins } from './accident.ts';
import { claim, type Stage } from './stage.ts';
import type { Props, Scene } from './story.ts';
import { firstPing, stream } from './traffic.ts';

const service = 'secure-intranet';
const [client, server] = ['client', 'server'];

/** The pod's own networking, as ip tells it: nothing of it may change. */
const own = async (stage: Stage): Promise<string> => {
  const lines = await Promise.all([
    stage.inPod(client, 'ip', '-4', '-o', 'addr', 'show', 'dev', 'eth0'),
    stage.inPod(client, 'ip', 'route', 'show', 'default'),
    stage.inPod(client, 'ip', '-o', 'link', 'show', 'dev', 'eth0'),
  ]);
  return lines.join('');
};

async function pods(stage: Stage, props: Props): Promise<string[]> {
  for (const pod of [client, server]) await stage.makePod(pod);
  const ip = (...args: string[]): Promise<string> => stage.run('ip', '-n', client, ...args);
  await ip('link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'node0');
  await ip('addr', 'add', '10.244.0.5/24', 'dev', 'eth0');
  for (const device of ['node0', 'eth0']) await ip('link', 'set', device, 'up');
  await ip('route', 'add', 'default', 'via', '10.244.0.1');
  props.before = await own(stage);
  return [`${client} has eth0 with 10.244.0.5/24 and a default route; ${server} has nothing`];
}

async function agentUp(stage: Stage, props: Props): Promise<string[]> {
  const start = performance.now();
  props.agent = await stage.startAgent();
  return [`pid ${props.agent.pid}, answering after ${Math.round(performance.now() - start)} ms`];
}

async function offer(stage: Stage): Promise<string[]> {
  const args = [
    'endpoint',
    'add',
    service,
    '--name',
    'gateway',
    '--netns',
    server,
    '--pool',
    '172.16.1.0/24',
    '--pool',
    '2001:db8::/116',
  ];
  await stage.vwire(...args);
  return [`$ vwire ${args.join(' ')}`, ...(await stage.vwire('endpoint', 'ls')).trimEnd().split('\n')];
}

async function ask(stage: Stage, props: Props): Promise<string[]> {
  const args = ['request', service, '--netns', client, '--interface', 'nsm-1', '--label', 'app=web'];
  const start = performance.now();
  props.id = (await stage.vwire(...args)).trim();
  const took = Math.round(performance.now() - start);
  return [`$ vwire ${args.join(' ')}`, props.id, `${took} ms with the start of the command`];
}

async function interfaces(stage: Stage, props: Props): Promise<string[]> {
  const here = await stage.inPod(client, 'ip', '-br', 'addr', 'show', 'nsm-1');
  claim(here.includes('172.16.1.1/32') && here.includes('2001:db8::1/128'), 'the client has its addresses');
  claim(!/tentative|dadfailed/.test(here), 'they are usable at once');
  claim((await own(stage)) === props.before, "the pod's own eth0 and default route are as before");
  return [here.trim().replace(/\s+/g, ' '), "the pod's own eth0 and default route: as before"];
}

async function firstPackets(stage: Stage): Promise<string[]> {
  return [
    `${await firstPing(stage, client, '-4', '172.16.1.0')} (ARP included)`,
    `${await firstPing(stage, client, '-6', '2001:db8::')} (neighbour discovery included)`,
    `${await firstPing(stage, server, '-4', '172.16.1.1')} (from the endpoint)`,
  ];
}

async function streams(stage: Stage): Promise<string[]> {
  return [await stream(stage, client, server, '172.16.1.0')];
}

async function route(stage: Stage): Promise<string[]> {
  const args = ['endpoint', 'update', 'gateway', '--route', '10.96.0.0/16'];
  await stage.vwire(...args);
  const get = await stage.inPod(client, 'ip', 'route', 'get', '10.96.3.4');
  claim(get.includes('via 172.16.1.0 dev nsm-1'), 'the route is in the client when the command returns');
  return [`$ vwire ${args.join(' ')}`, `in the client: ${get.split('\n')[0]?.trim() ?? ''}`];
}

async function counters(stage: Stage, props: Props): Promise<string[]> {
  const list = await stage.vwire('ls');
  claim(list.includes(service), 'the connection is listed');
  const story = (await stage.vwire('explain', props.id)).split('\n');
  const steps = story.filter((line) => /^\s+\d+\s+(ok|FAIL|no)/i.test(line));
  claim(
    steps.length > 10 && steps.every((line) => /^\s+\d+\s+ok\s/.test(line)),
    'every step of it is as it should be',
  );
  return [...list.trimEnd().split('\n'), `$ vwire explain ${props.id}`, ...steps];
}

async function kill(stage: Stage, props: Props): Promise<string[]> {
  const { lines, agent } = await accident(stage, props.agent, [
    { pod: client, to: '172.16.1.0' },
    { pod: server, to: '172.16.1.1' },
  ]);
  props.agent = agent;
  const list = await stage.vwire('ls');
  claim(list.includes(service), 'the connection is known to the new agent');
  return lines;
}

async function gone(stage: Stage, props: Props): Promise<string[]> {
  await stage.vwire('close', props.id);
  await stage.vwire('endpoint', 'rm', 'gateway');
  claim((await own(stage)) === props.before, "the pod's own networking is as before");
  for (const pod of [client, server])
    claim(!(await stage.inPod(pod, 'ip', '-o', 'link')).includes('nsm-'), `no interface is left in ${pod}`);
  const rules = await stage.inPod(client, 'ip', 'rule');
  claim(rules.trim().split('\n').length === 3, 'no policy rule is left');
  const left = (await stage.run('ip', '-o', 'link')).split('\n').filter((line) => line.includes('vwire:'));
  claim(left.length === 0, 'no device is left');
  for (const folder of ['connections', 'wires', 'endpoints']) {
    const path = `/run/vwire/default/state/${folder}`;
    claim(!existsSync(path) || readdirSync(path).length === 0, `no file is left in state/${folder}`);
  }
  const entries = JSON.parse(
    await stage.run('bpftool', '-j', 'map', 'dump', 'pinned', `${pins}/maps/hops`),
  ) as unknown[];
  claim(entries.length === 0, 'no map entry is left');
  await props.agent?.end();
  return ["no interface, no rule, no map entry, no file is left; the pod's own networking is as before"];
}

/** A workload asks for a network service by name, in the order it is told. */
export const requestStory: readonly Scene[] = [
  { title: 'Two pods: a client with a network of its own, a server with nothing', play: pods },
  { title: 'An agent: manager, registry and forwarder in one process', play: agentUp },
  { title: 'The server offers a network service', play: offer },
  { title: 'The client asks for it', play: ask },
  { title: 'It has an interface and addresses, and all it had before', play: interfaces },
  { title: 'The first packet arrives at once', play: firstPackets },
  { title: 'A stream arrives as it was sent', play: streams },
  { title: 'The endpoint adds a route, and the client has it', play: route },
  { title: 'What goes on can be seen', play: counters },
  { title: 'The agent is killed under load', play: kill },
  { title: 'Closed, it leaves nothing', play: gone },
];

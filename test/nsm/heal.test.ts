// An endpoint that goes, and another one that takes over:
//
//   pod client                                             pod one (ends)
//   nsm-1, a socket that sends on ====  agent's namespace  ==== 172.16.1.0
//                                                          \
//                                                           pod two
//                                                           ==== 172.16.1.0
import { afterAll, afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Agent } from '../../src/agent.ts';
import type { Connection } from '../../src/api/nsm/proto/connection_pb.ts';
import { failOnLeakedFds } from '../fds.ts';
import { eventually, Pods, run } from '../pods.ts';
import { link, links, nothing } from '../wire/inventory.ts';
import { Node } from '../wire/node.ts';
import { Asker } from './asker.ts';

jest.setTimeout(60_000);

const pods = new Pods();
const node = new Node();
let made = 0;
let agent: Agent;
let asker: Asker;
let [client, one, two] = ['', '', ''];
let connection: Connection;
let before: { ifindex: number; address: string };
const flows: Flow[] = [];

/** Answers every datagram by its name. */
const ECHO = `import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", 7000)); print("ready", flush=True)
while True: s.sendto(sys.argv[1].encode(), s.recvfrom(100)[1])`;
/** One socket that sends on whatever happens, and says who answers. */
const SEND = `import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(("172.16.1.0", 7000)); s.settimeout(0.02)
last = None
while True:
  try:
    s.send(b"x"); now = s.recv(100).decode()
  except OSError: continue
  if now != last: print(now, flush=True)
  last = now
  time.sleep(0.005)`;

class Flow {
  said = '';
  readonly #child: ChildProcess;

  constructor(pod: string, ...args: string[]) {
    this.#child = pods.spawn(pod, 'python3', '-c', ...args);
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.said += text));
    flows.push(this);
  }

  async says(text: string): Promise<void> {
    await eventually(() => {
      expect(this.said).toBe(text);
    }, 30_000);
  }

  /** Settles when its process has ended. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}

const add = (name: string, pod: string, pools = ['172.16.1.0/24', '2001:db8::/116']) =>
  agent.endpoints?.add({
    name,
    services: ['web'],
    labels: {},
    netns: `name:${pod}`,
    pools,
    routes: [],
    mtu: null,
    payload: 'IP',
  });
const start = async (): Promise<void> => {
  agent = await node.start({ healGraceMs: 300 });
  asker = new Asker(agent.urls[0] ?? '');
};
const addressed = (): string =>
  run('ip', '-n', client, '-br', 'addr', 'show', 'nsm-1').replace(/ +(UP|DOWN|UNKNOWN) +/, ' ');
const state = (): unknown => agent.connections?.list().map(({ endpoint, state: is }) => `${endpoint} ${is}`);
const taken = async (endpoint: string): Promise<void> => {
  await eventually(() => {
    expect(state()).toEqual([`${endpoint} up`]);
  }, 30_000);
};

beforeEach(async () => {
  made += 1;
  [client, one, two] = ['client', 'one', 'two'].map((label) => pods.make(`${label}${made}`)) as [
    string,
    string,
    string,
  ];
  await start();
  await add('one', one);
  connection = await asker.request(client, 'web', 'nsm-1');
  before = { ifindex: link(client, 'nsm-1').ifindex, address: addressed() };
});
afterEach(async () => {
  for (const flow of flows.splice(0)) await flow.end();
  for (const { id } of agent.connections?.list() ?? []) await agent.connections?.close(id);
  for (const { name } of agent.endpoints?.list() ?? []) await agent.endpoints?.remove(name);
  expect(node.inventory.held()).toEqual(nothing);
  expect(links(client).map(({ ifname }) => ifname)).toEqual(['lo']);
  asker.dispose();
  await node.stop();
});
afterAll(async () => {
  await node.close();
  pods.close();
});
failOnLeakedFds();

/** The interface is the one it was: same index, name, MAC and addresses. */
const isSame = (): void => {
  expect({ ifindex: link(client, 'nsm-1').ifindex, address: addressed() }).toEqual(before);
};

/** A socket of the client to which the endpoint answers, and the endpoint's own. */
async function flowing(): Promise<[Flow, Flow]> {
  const echo = new Flow(one, ECHO, 'one');
  await echo.says('ready\n');
  await new Flow(two, ECHO, 'two').says('ready\n');
  const flow = new Flow(client, SEND);
  await flow.says('one\n');
  return [flow, echo];
}

describe('a client whose endpoint is no more', () => {
  test('keeps its interface, and a socket that sends goes on to the next endpoint', async () => {
    const [flow] = await flowing();
    await add('two', two);
    await agent.endpoints?.remove('one');
    await taken('two');
    await flow.says('one\ntwo\n');
    isSame();
    expect(links(one).map(({ ifname }) => ifname)).toEqual(['lo']);
    const again = await asker.refresh(client, connection, (asked) => {
      asked.networkServiceEndpointName = '';
    });
    expect(again.networkServiceEndpointName).toBe('two');
    isSame();
    pods.exec(client, 'ping', '-c', '1', '-W', '1', '2001:db8::');
  });

  test('keeps it though the namespace ends with the endpoint', async () => {
    const [flow, echo] = await flowing();
    await add('two', two);
    await echo.end();
    pods.remove(one);
    await taken('two');
    await flow.says('one\ntwo\n');
    isSame();
  });

  test('keeps it though that happens while no agent is there', async () => {
    const [flow, echo] = await flowing();
    await add('two', two);
    asker.dispose();
    await node.stop();
    await echo.end();
    pods.remove(one);
    await start();
    await taken('two');
    await flow.says('one\ntwo\n');
    isSame();
  });

  test('has other addresses at the same interface where the next one gives others', async () => {
    await add('two', two, ['10.9.0.0/24']);
    await agent.endpoints?.remove('one');
    await taken('two');
    expect(link(client, 'nsm-1').ifindex).toBe(before.ifindex);
    expect(addressed()).toMatch(/10\.9\.0\.1/);
    expect(addressed()).not.toMatch(/172\.16|2001:db8/);
    pods.exec(client, 'ping', '-c', '1', '-W', '1', '10.9.0.0');
  });

  test('loses it when no other one comes', async () => {
    pods.remove(one);
    await eventually(() => {
      expect(state()).toEqual([]);
    }, 30_000);
    expect(links(client).map(({ ifname }) => ifname)).toEqual(['lo']);
  });
});

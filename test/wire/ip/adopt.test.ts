// What the next agent finds of the IP that a wire was told, and says:
//
//   pod client                                     pod service
//   nsm-1  10.0.0.1/24, routes,     <----->        nsm-2  10.0.0.2/24
//          policies
import { afterAll, afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Agent } from '../../../src/agent.ts';
import type { IpSpec, WireItem } from '../../../src/features/wire/api.ts';
import { explainWire } from '../../../src/features/wire/explain.ts';
import { failOnLeakedFds } from '../../fds.ts';
import { eventually, Pods, run } from '../../pods.ts';
import { nothing } from '../inventory.ts';
import { bpffs, change, end, Node, wireSpec } from '../node.ts';
import { dump, Ears, rules } from './dump.ts';

jest.setTimeout(30_000);

const pods = new Pods();
const node = new Node();
let made = 0;
let client: string;
let agent: Agent;
let wire: WireItem;

const ip: IpSpec = {
  addresses: ['10.0.0.1/24', '2001:db8::1/64'],
  routes: [{ prefix: '172.16.0.0/16', via: '10.0.0.2' }],
  neighbors: [],
  policies: [{ from: null, ipProto: '6', sport: null, dport: '80', routes: [] }],
};

beforeEach(async () => {
  made += 1;
  client = pods.make(`client${made}`);
  const service = pods.make(`service${made}`);
  agent = await node.restart();
  wire = await agent.wires.add(
    wireSpec({ ...end(client), name: 'nsm-1', ...ip }, { ...end(service, '10.0.0.2/24'), name: 'nsm-2' }),
  );
});
afterEach(async () => {
  await Promise.all(agent.wires.list().map(({ id }) => agent.wires.remove({ id })));
  await node.stop();
  expect(node.inventory.held()).toEqual(nothing);
});
afterAll(async () => {
  await node.close();
  pods.close();
});
failOnLeakedFds();

const steps = (): string[] =>
  explainWire({ instance: node.instance, bpffs, runDir: node.runDir }, { id: wire.id })
    .steps.filter(({ title }) => title.includes(', IP of'))
    .map(({ title, detail, ok }) => `${ok ? 'ok' : 'BAD'} ${title}: ${detail}`);

describe('an open wire whose IP is as it was told', () => {
  test('is adopted without a touch', async () => {
    const before = dump(client);
    await node.stop();
    const ears = await Ears.open(pods, client);
    await ears.heard();
    agent = await node.start();
    expect(await ears.heard()).toEqual([]);
    ears.close();
    expect(dump(client)).toEqual(before);
    expect(node.wire(wire.id)).toMatchObject({ state: 'open', owner: 'wire' });
  });

  test('has it in its story', () => {
    expect(steps()).toEqual([
      "ok left pod, IP of 'nsm-1': address 10.0.0.1/24, address 2001:db8::1/64, route 172.16.0.0/16 via 10.0.0.2, " +
        'route default in table 1, rule ipproto 6 dport 80 to table 1',
      "ok right pod, IP of 'nsm-2': address 10.0.0.2/24",
    ]);
  });

  test('leaves no rule behind when it is removed by the next agent', async () => {
    agent = await node.restart();
    expect(rules(client, 4)).toHaveLength(1);
    await agent.wires.remove({ id: wire.id });
    expect(rules(client, 4)).toEqual([]);
  });
});

describe('an open wire whose IP somebody changed while there was no agent', () => {
  beforeEach(async () => {
    await node.stop();
    run('ip', '-n', client, 'addr', 'flush', 'dev', 'nsm-1', 'scope', 'global');
    run('ip', '-n', client, 'rule', 'del', 'ipproto', 'tcp', 'dport', '80');
    node.events.length = 0;
    agent = await node.start();
  });

  const said =
    "left interface 'nsm-1' lacks address 10.0.0.1/24, address 2001:db8::1/64, route 172.16.0.0/16 via 10.0.0.2, " +
    'route default in table 1, rule ipproto 6 dport 80 to table 1';

  test('is reported, and left as it is', async () => {
    const before = dump(client);
    await eventually(() => {
      expect(node.events.map(({ type, detail }) => `${type}: ${detail}`)).toEqual([`failed: ${said}`]);
    });
    expect(dump(client)).toEqual(before);
    const paths = { instance: node.instance, bpffs, runDir: node.runDir };
    expect(explainWire(paths, { id: wire.id }).errors.map(({ message }) => message)).toEqual([said]);
    expect(steps()[0]).toMatch(/^BAD left pod, IP of 'nsm-1': .*; missing: address 10\.0\.0\.1\/24, address/);
  });

  test('has it again with the next change that speaks of it', async () => {
    await agent.wires.update({ id: wire.id }, change({ mtu: 1400 }));
    expect(steps()[0]).toMatch(/^BAD/);
    await agent.wires.update({ id: wire.id }, change({ left: ip }));
    expect(steps().map((step) => step.split(' ', 1)[0])).toEqual(['ok', 'ok']);
  });
});

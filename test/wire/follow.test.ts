// What others do to the ends of a wire while the agent watches:
//
//        down/up, MAC, name, delete           delete, down
//                 |                                |
//   pod a    +--------+        agent's ns     +--------+
//            | vwire0 |=======================| vw...l |==> ...  pod b
//            +--------+                       +--------+
//   netns del
import { afterAll, afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Agent } from '../../src/agent.ts';
import type { WireItem, WireState } from '../../src/features/wire/api.ts';
import { failOnLeakedFds } from '../fds.ts';
import { eventually, Pods, run } from '../pods.ts';
import { attached, link, links, nothing } from './inventory.ts';
import { observed } from './kernel.ts';
import { change, end, Node, wireSpec } from './node.ts';

jest.setTimeout(30_000);

const pods = new Pods();
const node = new Node();
const { inventory } = node;
let made = 0;
let [a, b] = ['', ''];
let agent: Agent;
let wire: WireItem;

beforeEach(async () => {
  made += 1;
  [a, b] = [pods.make(`a${made}`), pods.make(`b${made}`)];
  // So that every frame is the test's.
  for (const pod of [a, b])
    run('ip', 'netns', 'exec', pod, 'sysctl', '-q', 'net.ipv6.conf.default.disable_ipv6=1');
  agent = await node.restart();
  wire = await agent.wires.add(wireSpec(end(a, '10.0.0.1/24'), end(b, '10.0.0.2/24')));
  node.events.length = 0;
});
afterEach(async () => {
  await Promise.all(agent.wires.list().map(({ id }) => agent.wires.remove({ id })));
  await eventually(() => {
    expect(inventory.held()).toEqual(nothing);
  });
});
afterAll(async () => {
  await node.close();
  pods.close();
});
failOnLeakedFds();

const ip = (pod: string, ...args: string[]): string => run('ip', '-n', pod, ...args);
const told = (): string[] => node.events.map(({ type, detail }) => `${type}: ${detail}`);
const now = (): WireItem => {
  const found = node.wire(wire.id);
  if (!found) throw new Error('The wire is gone');
  return found;
};
const comesTo = (state: WireState): Promise<void> =>
  eventually(() => {
    expect(now().state).toBe(state);
  });
const ping = (from = a, address = '10.0.0.2'): string =>
  pods.exec(from, 'ping', '-n', '-c', '1', '-W', '3', address);

describe('a port that goes down', () => {
  test('makes the hop towards it drop and count, and forward again when it is back', async () => {
    ip(b, 'link', 'set', 'vwire0', 'down');
    await comesTo('down');
    expect(now().hops.map(({ action }) => action)).toEqual(['drop: port_down', 'peer']);
    // A neighbour that is known by hand: frames leave although nobody answers.
    ip(a, 'neigh', 'replace', '10.0.0.2', 'lladdr', wire.right.mac, 'dev', 'vwire0', 'nud', 'permanent');
    const before = now().counters.leftToRight;
    run('sh', '-c', `ip netns exec ${a} ping -n -c 5 -i 0.01 -W 0.1 10.0.0.2 || true`);
    const after = now().counters.leftToRight;
    expect(after.packets).toBe(before.packets);
    expect((after.dropped.port_down ?? 0n) - (before.dropped.port_down ?? 0n)).toBe(5n);

    ip(b, 'link', 'set', 'vwire0', 'up');
    await comesTo('open');
    expect(now().hops.map(({ action }) => action)).toEqual(['peer', 'peer']);
    ping();
    expect(told()).toEqual(["port_down: right port 'vwire0' is down", "port_up: right port 'vwire0' is up"]);
  });

  test('is noticed on both sides at once, and one after the other', async () => {
    for (const pod of [a, b]) ip(pod, 'link', 'set', 'vwire0', 'down');
    await eventually(() => {
      expect(now().hops.map(({ action }) => action)).toEqual(['drop: port_down', 'drop: port_down']);
    });
    ip(a, 'link', 'set', 'vwire0', 'up');
    await eventually(() => {
      expect(now().hops.map(({ action }) => action)).toEqual(['drop: port_down', 'peer']);
    });
    expect(now().state).toBe('down');
    ip(b, 'link', 'set', 'vwire0', 'up');
    await comesTo('open');
    ping();
  });

  test('is noticed when somebody takes the host end down', async () => {
    run('ip', 'link', 'set', wire.left.host.name, 'down');
    await comesTo('down');
    run('ip', 'link', 'set', wire.left.host.name, 'up');
    await comesTo('open');
    ping();
  });

  observed.test('costs what was sent before it was noticed, and that is counted', async () => {
    ip(a, 'neigh', 'replace', '10.0.0.2', 'lladdr', wire.right.mac, 'dev', 'vwire0', 'nud', 'permanent');
    // The agent runs in this process: until the next await it notices nothing.
    ip(b, 'link', 'set', 'vwire0', 'down');
    run('sh', '-c', `ip netns exec ${a} ping -n -c 5 -i 0.01 -W 0.1 10.0.0.2 || true`);
    const { dropped } = now().counters.leftToRight;
    const lost = Object.entries(dropped).filter(([reason]) => reason.startsWith('lost_after_redirect'));
    expect(lost.map(([, packets]) => packets)).toEqual([5n]);
    expect(now().hops.map(({ action }) => action)).toEqual(['peer', 'peer']);
    await comesTo('down');
  });

  test('stays dropped towards when the datapath changes meanwhile', async () => {
    ip(b, 'link', 'set', 'vwire0', 'down');
    await comesTo('down');
    const changed = await agent.wires.update({ id: wire.id }, change({ mtu: 1400, datapath: 'clsact' }));
    expect(changed.hops.map(({ action }) => action)).toEqual(['drop: port_down', 'peer']);
    ip(b, 'link', 'set', 'vwire0', 'up');
    await comesTo('open');
  });
});

describe('a pod that changes', () => {
  test('its MAC gets frames for the new one and none for the old one', async () => {
    ip(b, 'link', 'set', 'vwire0', 'address', '02:00:00:00:00:99');
    await eventually(() => {
      expect(now().right.mac).toBe('02:00:00:00:00:99');
      expect(link(null, wire.left.host.name).address).toBe('02:00:00:00:00:99');
    });
    expect(told()).toEqual(["updated: right port is 'vwire0', 02:00:00:00:00:99"]);
    ip(a, 'neigh', 'flush', 'dev', 'vwire0');
    ping();
    // To the address it had: the pod's stack must not see these.
    ip(a, 'neigh', 'replace', '10.0.0.2', 'lladdr', wire.right.mac, 'dev', 'vwire0', 'nud', 'permanent');
    const received = (): number =>
      Number(
        /IcmpInEchos\s+(\d+)/.exec(
          run('ip', 'netns', 'exec', b, 'nstat', '-a', '-s', '-z', 'IcmpInEchos'),
        )?.[1],
      );
    const before = received();
    run('sh', '-c', `ip netns exec ${a} ping -n -c 3 -i 0.01 -W 0.1 10.0.0.2 || true`);
    expect(received()).toBe(before);
  });

  test("its interface's name is followed", async () => {
    ip(a, 'link', 'set', 'vwire0', 'down');
    ip(a, 'link', 'set', 'vwire0', 'name', 'lan0');
    ip(a, 'link', 'set', 'lan0', 'up');
    await eventually(() => {
      expect(now()).toMatchObject({ state: 'open', left: { name: 'lan0' } });
    });
    ping();
    await agent.wires.update({ id: wire.id }, change({ mtu: 1400 }));
    expect(link(a, 'lan0').mtu).toBe(1400);
  });
});

describe('what is deleted', () => {
  const again = async (): Promise<void> => {
    await eventually(() => {
      expect(now().state).toBe('open');
      expect(node.events.at(-1)).toMatchObject({ type: 'updated' });
    });
    expect(inventory.held()).toMatchObject({ hops: 2, counters: 2, watched: 4, files: [`${wire.id}.json`] });
    for (const { host } of [now().left, now().right]) expect(attached(host.name)).toBe('clsact');
    ping();
  };

  test("is a pod's interface: made again with its name, MAC and addresses", async () => {
    ip(a, 'link', 'del', 'vwire0');
    await again();
    expect(told()).toEqual(['updated: its left device was deleted: made again']);
    expect(now().left).toMatchObject({ name: 'vwire0', mac: wire.left.mac });
    expect(now().left.host.ifindex).not.toBe(wire.left.host.ifindex);
    expect(now().right).toEqual(wire.right);
  });

  test('is a host end: made again too', async () => {
    run('ip', 'link', 'del', wire.right.host.name);
    await again();
    expect(told()).toEqual(['updated: its right device was deleted: made again']);
    expect(now().left).toEqual(wire.left);
  });

  test("is a pod's interface while the other one is down: made again, and forwards when that is up", async () => {
    ip(b, 'link', 'set', 'vwire0', 'down');
    await comesTo('down');
    ip(a, 'link', 'del', 'vwire0');
    await eventually(() => {
      expect(now().left.host.ifindex).not.toBe(wire.left.host.ifindex);
    });
    expect(now().state).toBe('down');
    ip(b, 'link', 'set', 'vwire0', 'up');
    await comesTo('open');
    ping();
  });

  test("is a pod's interface, and its name is taken at once: the wire goes, and it is told why", async () => {
    run('sh', '-c', `ip -n ${a} link del vwire0; ip -n ${a} link add vwire0 type bridge`);
    await eventually(() => {
      expect(node.wire(wire.id)).toBeUndefined();
    });
    expect(told()).toEqual([
      expect.stringContaining(`left.name is 'vwire0': an interface of that name exists`),
      'removed: its left device could not be made again',
    ]);
    expect(links(b).map((l) => l.ifname)).toEqual(['lo']);
    expect(inventory.held()).toEqual(nothing);
  });

  test('is both: made again once', async () => {
    run('sh', '-c', `ip link del ${wire.left.host.name}; ip link del ${wire.right.host.name}`);
    await again();
    expect(told()).toHaveLength(1);
  });

  test('is a namespace: the wire goes with it, the other pod keeps nothing of it', async () => {
    pods.remove(a);
    await eventually(() => {
      expect(node.wire(wire.id)).toBeUndefined();
    });
    expect(told()).toEqual(['removed: the namespace of its left port ended']);
    expect(links(b).map((l) => l.ifname)).toEqual(['lo']);
    expect(inventory.held()).toEqual(nothing);
  });

  test('is both namespaces at once', async () => {
    pods.remove(a);
    pods.remove(b);
    await eventually(() => {
      expect(node.wire(wire.id)).toBeUndefined();
    });
    expect(node.events.map(({ type }) => type)).toEqual(['removed']);
  });

  test('is a namespace with many wires: each of them goes', async () => {
    await Promise.all(Array.from({ length: 10 }, () => agent.wires.add(wireSpec(end(a), end(b)))));
    pods.remove(a);
    await eventually(() => {
      expect(agent.wires.list()).toEqual([]);
      expect(inventory.held()).toEqual(nothing);
    });
  });

  test('cannot be made again when its name was taken: the wire goes, and it is told why', async () => {
    await node.stop();
    ip(a, 'link', 'del', 'vwire0');
    ip(a, 'link', 'add', 'vwire0', 'type', 'bridge');
    agent = await node.start();
    expect(node.wire(wire.id)).toBeUndefined();
    expect(node.warnings.join()).toContain(`left.name is 'vwire0': an interface of that name exists`);
    expect(links(a).map((l) => l.ifname)).toEqual(['lo', 'vwire0']);
    expect(links(b).map((l) => l.ifname)).toEqual(['lo']);
  });
});

// An agent that fails or is killed while it tells a pod of IP:
//
//   pod client                                     pod service
//   nsm-1  addresses, routes,       <----->        nsm-2  10.0.0.2/24
//          neighbours, policies
//   eth0   192.0.2.10/24
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { IpSpec, WireSpec } from '../../../src/features/wire/api.ts';
import { failOnLeakedFds } from '../../fds.ts';
import { Pods, run } from '../../pods.ts';
import { links, nothing } from '../inventory.ts';
import { change, end, Node, wireSpec } from '../node.ts';
import { addresses, dump, neighbors, routes, rules, type Dump } from './dump.ts';
import { Keeper } from '../keeper.ts';
import { podWithEth0 } from './pod.ts';

jest.setTimeout(60_000);

const pods = new Pods();
const node = new Node();
const client = podWithEth0(pods, 'client');
const service = pods.make('service');
const it = { connection: 'it' };
let bare: Dump;
let keeper: Keeper | null = null;

const first: IpSpec = {
  addresses: ['10.0.0.1/24', '2001:db8::1/64'],
  routes: [{ prefix: '172.16.0.0/16', via: '10.0.0.2' }],
  neighbors: [{ address: '10.0.0.2', mac: '02:00:00:00:00:02' }],
  policies: [
    { from: null, ipProto: '6', sport: null, dport: '80', routes: [] },
    { from: '2001:db8::1/128', ipProto: null, sport: null, dport: null, routes: [] },
  ],
};
const second: IpSpec = {
  addresses: ['10.0.0.3/24', '2001:db8:3::3/64'],
  routes: [
    { prefix: '172.16.0.0/16', via: '10.0.0.9' },
    { prefix: '172.17.0.0/16', via: null },
  ],
  neighbors: [{ address: '10.0.0.9', mac: '02:00:00:00:00:09' }],
  policies: [{ from: null, ipProto: '17', sport: null, dport: '53', routes: [] }],
};
const spec = (ip: IpSpec): WireSpec =>
  wireSpec(
    { ...end(client), name: 'nsm-1', ...ip },
    { ...end(service, '10.0.0.2/24'), name: 'nsm-2', mac: '02:00:00:00:00:02' },
    it,
  );

const routesOf = (table: string): string[] =>
  routes(client, table, 'nsm-1')
    .map(({ dst, gateway }) => `${dst} ${gateway ?? ''}`)
    .sort();

/** What the client has of this, whatever tables it is in. */
const told = (): unknown => ({
  addresses: addresses(client, 'nsm-1').sort(),
  routes: routesOf('main'),
  policies: [...rules(client, 4), ...rules(client, 6)]
    .map(({ src, dport, table }) => `${src} ${dport ?? ''}: ${routesOf(table).join()}`)
    .sort(),
  neighbors: neighbors(client, 'nsm-1'),
});

beforeAll(() => {
  bare = dump(client);
});
beforeEach(() => {
  keeper = null;
});
afterEach(async () => {
  await keeper?.end();
  expect(dump(client)).toEqual(bare);
  expect(node.inventory.held()).toEqual(nothing);
  expect(links(service).map(({ ifname }) => ifname)).toEqual(['lo']);
});
afterAll(async () => {
  await node.close();
  pods.close();
});
failOnLeakedFds();

/** How a client looks that was told this by an agent nothing happens to. */
async function wholesome(ip: IpSpec): Promise<unknown> {
  const agent = await Keeper.start(node);
  await agent.add(spec(ip));
  const seen = told();
  await agent.remove(it);
  await agent.end();
  return seen;
}

describe('an agent that is killed', () => {
  test.each(['joined', 'addressed left', 'addressed right', 'up'])(
    "while it opens a wire, at '%s': the next one completes it, and takes all of it away again",
    async (point) => {
      const expected = await wholesome(first);
      const dying = await Keeper.start(node, `${point}:kill`);
      await expect(dying.add(spec(first))).rejects.toThrow('The agent is gone');
      expect(await dying.end()).toBe('SIGKILL');
      keeper = await Keeper.start(node);
      expect(await keeper.list()).toMatchObject([{ state: 'open' }]);
      expect(told()).toEqual(expected);
      expect(pods.exec(client, 'ping', '-n', '-c', '1', '-W', '3', '10.0.0.2')).toContain('1 received');
      await keeper.remove(it);
    },
  );

  test('after it opened a wire of which one end is gone: the next one undoes it, rules included', async () => {
    const dying = await Keeper.start(node, 'up:kill');
    await expect(dying.add(spec(first))).rejects.toThrow('The agent is gone');
    await dying.end();
    expect(rules(client, 4)).toHaveLength(1);
    run('ip', '-n', service, 'link', 'del', 'nsm-2');
    keeper = await Keeper.start(node);
    expect(await keeper.list()).toEqual([]);
  });

  test.each(['closing', 'unruled', 'deleting'])(
    "while it removes a wire, at '%s': the next one removes all of it",
    async (point) => {
      const dying = await Keeper.start(node, `${point}:kill`);
      await dying.add(spec(first));
      await expect(dying.remove(it)).rejects.toThrow('The agent is gone');
      await dying.end();
      keeper = await Keeper.start(node);
      expect(await keeper.list()).toEqual([]);
    },
  );

  test.each(['ip added', 'ip removed', 'switched'])(
    "while it changes one, at '%s': the next one has it as it was, and can change it",
    async (point) => {
      const expected = await wholesome(second);
      const dying = await Keeper.start(node, `${point}:kill`);
      await dying.add(spec(first));
      const before = told();
      await expect(dying.update(it, change({ left: second, mtu: 1400 }))).rejects.toThrow(
        'The agent is gone',
      );
      await dying.end();
      keeper = await Keeper.start(node);
      expect(await keeper.list()).toMatchObject([{ mtu: 1500, left: { addresses: first.addresses } }]);
      expect(told()).toEqual(before);
      await keeper.update(it, change({ left: second }));
      expect(told()).toEqual(expected);
      await keeper.remove(it);
    },
  );

  test.each(['ip added', 'ip removed'])(
    "while it changes one, at '%s', whose device goes then: the next one makes it again as it was",
    async (point) => {
      const dying = await Keeper.start(node, `${point}:kill`);
      await dying.add(spec(first));
      const before = told();
      await expect(dying.update(it, change({ left: second }))).rejects.toThrow('The agent is gone');
      await dying.end();
      run('ip', '-n', client, 'link', 'del', 'nsm-1');
      keeper = await Keeper.start(node);
      expect(await keeper.list()).toMatchObject([{ state: 'open' }]);
      expect(told()).toEqual(before);
      await keeper.remove(it);
    },
  );
});

describe('an agent that fails', () => {
  test.each(['joined', 'addressed left', 'addressed right', 'up', 'opened'])(
    "while it opens a wire, at '%s', has let go of everything",
    async (point) => {
      keeper = await Keeper.start(node, `${point}:throw`);
      await expect(keeper.add(spec(first))).rejects.toThrow(`Fault point '${point}'`);
      expect(dump(client)).toEqual(bare);
      expect(await keeper.list()).toEqual([]);
    },
  );

  test("while it removes one, at 'unruled', removes the rest when it is asked again", async () => {
    const failing = await Keeper.start(node, 'unruled:throw');
    await failing.add(spec(first));
    await expect(failing.remove(it)).rejects.toThrow("Fault point 'unruled'");
    expect(await failing.list()).toMatchObject([{ state: 'closing' }]);
    await failing.end();
    keeper = await Keeper.start(node);
    expect(await keeper.list()).toEqual([]);
  });

  test("while it changes one, at 'switched', has taken the change back", async () => {
    keeper = await Keeper.start(node, 'switched:throw');
    await keeper.add(spec(first));
    const before = told();
    await expect(keeper.update(it, change({ left: second, mtu: 1400 }))).rejects.toThrow("'switched'");
    expect(told()).toEqual(before);
    expect(await keeper.list()).toMatchObject([{ mtu: 1500, left: { addresses: first.addresses } }]);
    await keeper.remove(it);
  });

  test.each(['ip added', 'ip removed'])(
    "while it changes one, at '%s', and again while it takes that back, knows all that may be there",
    async (point) => {
      keeper = await Keeper.start(node, `${point}:throw`);
      await keeper.add(spec(first));
      await expect(keeper.update(it, change({ left: second }))).rejects.toThrow(
        /Fault point .*; undoing it failed too: Error: Fault point/,
      );
      await keeper.end();
      keeper = await Keeper.start(node);
      expect(addresses(client, 'nsm-1').sort()).toEqual([...first.addresses].sort());
      expect(rules(client, 4).map(({ dport }) => dport)).toEqual([80]);
      await keeper.remove(it);
    },
  );
});

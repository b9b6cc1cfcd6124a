// The agent's own code and the prebuilt objects on whatever kernel this is:
//
//   pod l                         this namespace                        pod r
//   +----------------+      +-----------------------+      +----------------+
//   | 10.0.0.1       |      |                       |      |       10.0.0.2 |
//   | fd00::1 -------+------+-> host == hops == host <-----+------- fd00::2  |
//   +----------------+      +-----------------------+      +----------------+
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { missingTcx } from '../../loader/features.ts';
import { HopFlag } from '../../maps/layouts.gen.ts';
import type { Agent } from '../../src/agent.ts';
import { forwarding, hopKeyOf } from '../../src/dataplane/hops.ts';
import { Failure } from '../../src/features/failure.ts';
import type { WireItem, WireSpec } from '../../src/features/wire/api.ts';
import { ethernet, pattern } from '../bpf/frame.ts';
import { bareCable, deliver, directions, macs, silence, type Side } from '../frames/cable.ts';
import { ipv4, sentinel } from '../frames/corpus.ts';
import { Capture, sendFrames, type Place } from '../frames/frames.ts';
import { Join } from '../frames/join.ts';
import { eventually, Pods, run } from '../pods.ts';
import { links, nothing } from '../wire/inventory.ts';
import { change, end, Node, wireSpec } from '../wire/node.ts';

const pods = new Pods();
const node = new Node();
const names = { left: pods.make('l'), right: pods.make('r') };
const quiet = { left: pods.make('ql'), right: pods.make('qr') };
silence(pods, quiet.left, quiet.right);
const binary = (name: string): string => fileURLToPath(new URL(`../../dist/bin/${name}`, import.meta.url));
let agent: Agent;

beforeAll(async () => {
  agent = await node.start();
});
afterEach(async () => {
  await Promise.all(agent.wires.list().map(({ id }) => agent.wires.remove({ id })));
  expect(node.inventory.held()).toEqual(nothing);
  for (const pod of Object.values(names)) expect(links(pod).map((l) => l.ifname)).toEqual(['lo']);
});
afterAll(async () => {
  await node.close();
  pods.close();
});

const spec = (more: Partial<WireSpec> = {}): WireSpec =>
  wireSpec(end(names.left, '10.0.0.1/24', 'fd00::1/64'), end(names.right, '10.0.0.2/24', 'fd00::2/64'), more);
const ping = (from: Side, address: string): string =>
  pods.exec(names[from], 'ping', '-n', '-c', '2', '-i', '0.2', '-W', '5', address);
const pingAll = (): void => {
  for (const address of ['10.0.0.2', 'fd00::2']) ping('left', address);
  for (const address of ['10.0.0.1', 'fd00::1']) ping('right', address);
};
async function refusal(asked: Promise<unknown>): Promise<Failure> {
  try {
    await asked;
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error('It was not refused');
}

/** Bytes that arrive as they were sent; TCP's own checksums are not verified between veths. */
async function transfer(): Promise<void> {
  const output = (child: ReturnType<Pods['spawn']>): { text: string } => {
    const said = { text: '' };
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (said.text += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (said.text += text));
    return said;
  };
  const taken = output(pods.spawn(names.right, binary('tcp-hash'), 'take', '--seconds', '50'));
  await eventually(() => {
    expect(taken.text).toContain('ready');
  });
  const given = output(
    pods.spawn(
      names.left,
      binary('tcp-hash'),
      'give',
      '--to',
      '10.0.0.2',
      '--mbytes',
      '8',
      '--seconds',
      '50',
    ),
  );
  const hashOf = (text: string): unknown => /"hash":\s*("[^"]+"|\d+)/.exec(text)?.[1];
  await eventually(() => {
    expect(hashOf(given.text)).toBeDefined();
    expect(hashOf(taken.text)).toBe(hashOf(given.text));
  }, 50_000);
  expect(taken.text).toContain('"complete":true');
}

describe('a wire', () => {
  test('carries IPv4, IPv6 and TCP both ways, by clsact', async () => {
    const wire = await agent.wires.add(spec());
    expect(wire.hops.map(({ datapath, action }) => ({ datapath, action }))).toEqual([
      { datapath: 'clsact', action: 'peer' },
      { datapath: 'clsact', action: 'peer' },
    ]);
    pingAll();
    await transfer();
    const counters = node.wire(wire.id)?.counters;
    for (const direction of ['leftToRight', 'rightToLeft'] as const)
      expect(counters?.[direction]).toMatchObject({ dropped: {} });
    expect(counters?.leftToRight.bytes).toBeGreaterThan(8_000_000n);
  });

  test('is adopted by the next agent with its devices, entries and programs', async () => {
    const wire = await agent.wires.add(spec());
    const filters = (): string => run('tc', '-j', 'filter', 'show', 'dev', wire.left.host.name, 'ingress');
    const before = { filters: filters(), held: node.inventory.held(), wire: { ...wire, counters: null } };
    await node.stop();
    pingAll();
    agent = await node.start();
    const after = node.wire(wire.id);
    expect({ filters: filters(), held: node.inventory.held(), wire: { ...after, counters: null } }).toEqual(
      before,
    );
    pingAll();
  });

  test('changes its MTU', async () => {
    const wire = await agent.wires.add(spec());
    await agent.wires.update({ id: wire.id }, change({ mtu: 4000 }));
    pods.exec(names.left, 'ping', '-n', '-c', '1', '-W', '5', '-M', 'do', '-s', '3972', '10.0.0.2');
  });

  test('whose pod goes down drops what is meant for it, by reason, and forwards again', async () => {
    const wire = await agent.wires.add(spec());
    const link = (state: string): string =>
      run('ip', '-n', names.right, 'link', 'set', wire.right.name, state);
    link('down');
    await eventually(() => {
      expect(node.wire(wire.id)?.hops[0]?.action).toBe('drop: port_down');
    }, 30_000);
    link('up');
    await eventually(() => {
      expect(node.wire(wire.id)?.hops[0]?.action).toBe('peer');
    }, 30_000);
    ping('left', '10.0.0.2');
  });
});

if (missingTcx() === null)
  test('tcx by force', async () => {
    const wire = await agent.wires.add(spec({ datapath: 'tcx' }));
    expect(wire.hops.map(({ datapath }) => datapath)).toEqual(['tcx', 'tcx']);
    pingAll();
  });
else
  test('tcx by force is refused: the missing feature and its version are named', async () => {
    const failure = await refusal(agent.wires.add(spec({ datapath: 'tcx' })));
    expect(failure.code).toBe('unsupported');
    expect(failure.message).toContain('tcx');
    expect(failure.message).toContain('6.6');
  });

describe('xdp', () => {
  test('is refused between veths unless the loss is accepted', async () => {
    expect((await refusal(agent.wires.add(spec({ datapath: 'xdp' })))).code).toBe('refused');
  });

  test('carries ping, over a restart of the agent too, and gives way to clsact', async () => {
    const wire = await agent.wires.add(spec({ datapath: 'xdp', acceptNoOffload: true }));
    expect(wire.hops.map(({ datapath }) => datapath)).toEqual(['xdp', 'xdp']);
    pingAll();
    agent = await node.restart();
    pingAll();
    const changed = await agent.wires.update({ id: wire.id }, change({ datapath: 'clsact' }));
    expect(changed.hops.map(({ datapath }) => datapath)).toEqual(['clsact', 'clsact']);
    pingAll();
    await transfer();
  });
});

test('losses after a redirect are observed, or it is said why not', () => {
  const said = agent.status().features['losses after a redirect'];
  if (node.inventory.entries('watched').length === 0 && said !== 'observed')
    expect(said).toMatch(/^not observable on this kernel: .*5\.17/s);
  else expect(said).toBe('observed');
});

describe.each(['clsact', 'xdp'] as const)('odd frames by %s', (datapath) => {
  test('arrive as they arrive over a bare veth pair', async () => {
    const removeBare = bareCable(quiet, 1500);
    const wire: WireItem = await agent.wires.add(
      wireSpec(
        { ...end(quiet.left), mac: macs.left },
        { ...end(quiet.right), mac: macs.right },
        { datapath, acceptNoOffload: true },
      ),
    );
    const ends = (device: (side: Side) => string): Record<Side, Place> => ({
      left: { pod: quiet.left, device: device('left') },
      right: { pod: quiet.right, device: device('right') },
    });
    for (const [from] of directions) {
      const expected = await deliver(
        from,
        ends(() => 'bare'),
        1500,
      );
      expect(
        await deliver(
          from,
          ends((side) => wire[side].name),
          1500,
        ),
      ).toEqual(expected);
    }
    removeBare();
  });
});

test("HOP_F_DMAC lets PEER deliver frames that the kernel took for a stranger's", async () => {
  const join = new Join('clsact');
  const { id, left, right } = join.wire;
  join.setHost('left', 'address', '02:00:00:00:00:77');
  const hop = forwarding(id, 'left', right, 'clsact');
  join.dataplane.tables.hops.set(hopKeyOf(left), { ...hop, flags: HopFlag.HOP_F_DMAC });
  const taken = (): number => {
    const [head = [], values = []] = join.pods
      .exec(join.names.right, 'cat', '/proc/net/snmp')
      .split('\n')
      .filter((line) => line.startsWith('Ip:'))
      .map((line) => line.split(' '));
    return Number(values[head.indexOf('InReceives')]);
  };
  const capture = await Capture.start(join.at('right'));
  const before = taken();
  const to = (dst: string): Buffer => ethernet(dst, join.macs.left, 0x0800, ipv4(17, pattern(30)));
  sendFrames(join.at('left'), [
    ...Array<Buffer>(5).fill(to(join.macs.right)),
    ...Array<Buffer>(5).fill(to('02:00:00:00:00:99')),
  ]);
  sendFrames(join.at('left'), [sentinel(join.macs.left)]);
  await capture.seen(sentinel(join.macs.left).toString('hex'));
  expect(await capture.stop()).toHaveLength(11);
  expect(taken() - before).toBe(5);
  join.close();
});

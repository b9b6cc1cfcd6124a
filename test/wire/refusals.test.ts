// Every test asks for a wire that cannot be, between these two, and looks at what is left:
//
//   pod a                 agent's namespace                 pod b
//   +----------+          +------------------+          +----------+
//   |  taken0  |          |  nothing of ours |          |          |
//   +----------+          +------------------+          +----------+
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Agent } from '../../src/agent.ts';
import type { WireSpec } from '../../src/features/wire/api.ts';
import type { Failure } from '../../src/features/failure.ts';
import { openedSince, openFds, failOnLeakedFds } from '../fds.ts';
import { Pods, run } from '../pods.ts';
import { failureOf } from './failure.ts';
import { links, nothing } from './inventory.ts';
import { end, Node, wireSpec } from './node.ts';

jest.setTimeout(30_000);

const pods = new Pods();
const node = new Node();
const [a, b] = [pods.make('a'), pods.make('b')];
let agent: Agent;
let fds: Map<string, string>;

const good = (more: Partial<WireSpec> = {}): WireSpec => wireSpec(end(a), end(b), more);
const left = (more: Partial<WireSpec['left']>): WireSpec => good({ left: { ...end(a), ...more } });
const right = (more: Partial<WireSpec['right']>): WireSpec => good({ right: { ...end(b), ...more } });

beforeAll(async () => {
  run('ip', '-n', a, 'link', 'add', 'taken0', 'type', 'bridge');
  run('ip', 'netns', 'exec', a, 'sysctl', '-q', 'net.ipv6.conf.default.disable_ipv6=1');
  agent = await node.start();
  // XDP's programs are loaded with the first wire that wants them, and kept.
  const { id } = await agent.wires.add(good({ datapath: 'xdp', acceptNoOffload: true }));
  await agent.wires.remove({ id });
  fds = openFds();
});

afterEach(() => {
  expect(agent.wires.list()).toEqual([]);
  expect(node.inventory.held()).toEqual(nothing);
  expect(links(a).map((l) => l.ifname)).toEqual(['lo', 'taken0']);
  expect(links(b).map((l) => l.ifname)).toEqual(['lo']);
  expect(openedSince(fds)).toEqual([]);
});

afterAll(async () => {
  await node.close();
  pods.close();
});
failOnLeakedFds();

const nowhere = '/run/vwire-no-such-place';

describe('a wire is refused, with field, value and what is allowed, and leaves nothing behind, for', () => {
  test.each<[string, () => WireSpec, Partial<Failure>, RegExp]>([
    [
      'a namespace nobody knows',
      () => left({ netns: 'nosuch' }),
      { code: 'not_found', field: 'left.netns', value: 'name:nosuch' },
      /^left\.netns is 'name:nosuch': there is no \/run\/netns\/nosuch: allowed is 'pid:N'/,
    ],
    [
      'a right-hand namespace nobody knows',
      () => right({ netns: `path:${nowhere}` }),
      { code: 'not_found', field: 'right.netns', value: `path:${nowhere}` },
      /there is no \/run\/vwire-no-such-place/,
    ],
    [
      'a process that is gone',
      () => left({ netns: `pid:${gone()}` }),
      { code: 'not_found', field: 'left.netns' },
      /there is no process \d+/,
    ],
    [
      'a pid no process can have',
      () => left({ netns: 'pid:99999999' }),
      { code: 'invalid', field: 'left.netns', value: 'pid:99999999' },
      /a pid is a number from 1 to 4194304/,
    ],
    [
      'a namespace that is named by nothing',
      () => left({ netns: '' }),
      { code: 'invalid', field: 'left.netns', value: '' },
      /nothing is named/,
    ],
    [
      'a plain file',
      () => right({ netns: `path:${file()}` }),
      { code: 'invalid', field: 'right.netns' },
      /is no namespace \(file system 0x/,
    ],
    [
      'a FIFO, which must not be waited for',
      () => right({ netns: `path:${fifo()}` }),
      { code: 'invalid', field: 'right.netns' },
      /is no namespace/,
    ],
    [
      'a namespace of another type',
      () => right({ netns: 'path:/proc/self/ns/mnt' }),
      { code: 'invalid', field: 'right.netns', value: 'path:/proc/self/ns/mnt' },
      /it is a namespace of type 0x20000, not a network namespace/,
    ],
    [
      'a relative path',
      () => left({ netns: 'path:run/netns/x' }),
      { code: 'invalid', field: 'left.netns' },
      /a path is absolute/,
    ],
    [
      "the agent's own namespace",
      () => right({ netns: `pid:${process.pid}` }),
      { code: 'refused', field: 'right.netns', allowed: 'any other network namespace' },
      /the agent's own namespace: it was started without --allow-host-netns/,
    ],
    [
      'a name of 16 bytes',
      () => left({ name: 'abcdefghijklmnop' }),
      { code: 'invalid', field: 'left.name', value: 'abcdefghijklmnop' },
      /it has 16 characters: allowed is 1 to 15/,
    ],
    [
      'a name with a slash',
      () => right({ name: 'eth/0' }),
      { code: 'invalid', field: 'right.name', value: 'eth/0' },
      /it has a '\/'/,
    ],
    ['an empty name', () => right({ name: '' }), { code: 'invalid', field: 'right.name' }, /it is empty/],
    [
      'a name that is a directory of sysctls',
      () => left({ name: 'all' }),
      { code: 'invalid', field: 'left.name' },
      /it is reserved/,
    ],
    [
      'a name that is taken',
      () => left({ name: 'taken0' }),
      {
        code: 'refused',
        field: 'left.name',
        value: 'taken0',
        allowed: 'a name that is free in the namespace',
      },
      /^left\.name is 'taken0': an interface of that name exists in 'name:a-/,
    ],
    [
      'one name for both ends in one namespace',
      () => wireSpec({ ...end(b), name: 'same0' }, { ...end(b), name: 'same0' }),
      { code: 'refused', field: 'right.name', value: 'same0' },
      /exists in/,
    ],
    [
      'an address without prefix length',
      () => left({ addresses: ['10.0.0.1'] }),
      { code: 'invalid', field: 'left.addresses[0]', value: '10.0.0.1' },
      /allowed is an address with a prefix length/,
    ],
    [
      'a prefix too long',
      () => left({ addresses: ['10.0.0.1/33'] }),
      { code: 'invalid', field: 'left.addresses[0]', value: '10.0.0.1/33' },
      /an IPv4 prefix has at most 32 bits/,
    ],
    [
      'no address at all',
      () => right({ addresses: ['2001:db8::1/64', '2001:db8::zz/64'] }),
      { code: 'invalid', field: 'right.addresses[1]', value: '2001:db8::zz/64' },
      /'2001:db8::zz' is no IP address/,
    ],
    [
      'a group address',
      () => right({ addresses: ['224.0.0.1/24'] }),
      { code: 'invalid', field: 'right.addresses[0]', value: '224.0.0.1/24' },
      /a group address/,
    ],
    [
      'an address the kernel refuses there',
      () => wireSpec({ ...end(a), addresses: ['10.0.0.1/24', '::/128'] }, end(b)),
      { code: 'refused', field: 'left.addresses[1]', value: '::/128' },
      /the kernel refuses it: Add address '::\/128' failed: EADDRNOTAVAIL/,
    ],
    [
      'more addresses than are taken',
      () => left({ addresses: Array.from({ length: 65 }, (_, i) => `10.0.0.${i}/24`) }),
      { code: 'invalid', field: 'left.addresses', value: '65 addresses', allowed: 'at most 64' },
      /65 addresses/,
    ],
    [
      'an MTU below what IPv4 needs',
      () => good({ mtu: 67 }),
      { code: 'invalid', field: 'mtu', value: '67', allowed: 'a whole number of bytes from 68 to 65535' },
      /^mtu is '67'/,
    ],
    [
      'an MTU above what a veth takes',
      () => good({ mtu: 65536 }),
      { code: 'invalid', field: 'mtu' },
      /65535/,
    ],
    [
      'an MTU too small for its IPv6 address',
      () => ({ ...left({ addresses: ['10.0.0.1/24', 'fd00::1/64'] }), mtu: 1279 }),
      { code: 'invalid', field: 'mtu', value: '1279' },
      /IPv6 needs more: allowed is 1280 and more with IPv6 addresses, or no 'fd00::1\/64'/,
    ],
    ['an MTU of zero', () => good({ mtu: 0 }), { code: 'invalid', field: 'mtu', value: '0' }, /^mtu is '0'/],
    [
      'an MTU with a fraction',
      () => good({ mtu: 1500.5 }),
      { code: 'invalid', field: 'mtu' },
      /whole number/,
    ],
    [
      'a MAC of five bytes',
      () => left({ mac: '02:00:00:00:01' }),
      { code: 'invalid', field: 'left.mac', value: '02:00:00:00:01' },
      /six bytes in hex/,
    ],
    [
      'a group MAC',
      () => right({ mac: '03:00:00:00:00:01' }),
      { code: 'invalid', field: 'right.mac', value: '03:00:00:00:00:01' },
      /a unicast address/,
    ],
    ['a MAC of zeroes', () => left({ mac: '00:00:00:00:00:00' }), { field: 'left.mac' }, /not all zero/],
    [
      'one MAC for both ends',
      () =>
        good({
          left: { ...end(a), mac: '02:00:00:00:00:01' },
          right: { ...end(b), mac: '02:00:00:00:00:01' },
        }),
      { code: 'invalid', field: 'right.mac', allowed: 'another address than left.mac' },
      /right\.mac is/,
    ],
    [
      'a connection name of digits, which would be an id',
      () => good({ connection: '17' }),
      { code: 'invalid', field: 'connection', value: '17' },
      /not digits alone/,
    ],
    [
      'a connection name with a space',
      () => good({ connection: 'my wire' }),
      { code: 'invalid', field: 'connection', value: 'my wire' },
      /1 to 128 letters/,
    ],
    [
      'xdp between pods',
      () => good({ datapath: 'xdp' }),
      { code: 'refused', field: 'datapath', value: 'xdp' },
      /XDP on a veth breaks TCP and UDP checksums/,
    ],
    [
      'a datapath nobody knows',
      () => good({ datapath: 'netkit' as 'tcx' }),
      { code: 'invalid', field: 'datapath', value: 'netkit', allowed: 'auto, tcx, clsact or xdp' },
      /^datapath is 'netkit'/,
    ],
    [
      'xdp with an MTU it cannot carry',
      () => good({ datapath: 'xdp', acceptNoOffload: true, mtu: 9000 }),
      { code: 'refused', field: 'mtu', value: '9000' },
      /xdp/,
    ],
  ])('%s', async (_, spec, expected, message) => {
    const failure = await failureOf(agent.wires.add(spec()));
    expect(failure).toMatchObject(expected);
    expect(failure.message).toMatch(message);
  });
});

/** A pid whose process has ended and been waited for. */
function gone(): string {
  return run('sh', '-c', 'sh -c "echo \\$\\$"').trim();
}

function file(): string {
  const path = join(node.runDir, 'plain');
  writeFileSync(path, '');
  return path;
}

function fifo(): string {
  const path = join(node.runDir, 'fifos', String(Math.random()));
  mkdirSync(join(node.runDir, 'fifos'), { recursive: true });
  run('mkfifo', path);
  return path;
}

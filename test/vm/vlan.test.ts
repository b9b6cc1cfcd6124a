// A VLAN device in a pod leaves its tag beside the frame for the device below to insert: here the host's
// own kernel has no such devices, those of the VMs have.
//
//   pod l                              this namespace                  pod r
//   +--------------------+        +----------------------+        +-----------+
//   | tagged > vwire0 ---+--------+-> host == hops == host <------+--- vwire0 |
//   +--------------------+        +----------------------+        +-----------+
import { afterAll, beforeAll, expect } from '@jest/globals';
import type { Agent } from '../../src/agent.ts';
import { ethernet, pattern } from '../bpf/frame.ts';
import { carry, macs, silence } from '../frames/cable.ts';
import { Pods, run } from '../pods.ts';
import { skipUnless } from '../skip.ts';
import { end, Node, wireSpec } from '../wire/node.ts';

const pods = new Pods();
const node = new Node();
const names = { left: pods.make('l'), right: pods.make('r') };
silence(pods, names.left, names.right);
let agent: Agent;

function hasVlanDevices(): boolean {
  const pair = 'add v0 type veth peer name v1';
  run('ip', '-n', names.left, 'link', ...pair.split(' '));
  try {
    run('ip', '-n', names.left, 'link', ...'add link v0 name v2 type vlan id 2'.split(' '));
    return true;
  } catch {
    return false;
  } finally {
    run('ip', '-n', names.left, 'link', 'del', 'v0');
  }
}
const vlan = skipUnless(hasVlanDevices(), 'this kernel has no VLAN devices (CONFIG_VLAN_8021Q)');

beforeAll(async () => {
  agent = await node.start();
});
afterAll(async () => {
  await node.close();
  pods.close();
});

const payload = pattern(46);
const plain = ethernet(macs.right, macs.left, 0x88b5, payload);
const tagged = ethernet(
  macs.right,
  macs.left,
  0x8100,
  Buffer.concat([Buffer.from('000588b5', 'hex'), payload]),
);

for (const { datapath, insert, arrives, title } of [
  { datapath: 'clsact', insert: 'on', arrives: tagged, title: 'by clsact tags stay' },
  {
    datapath: 'xdp',
    insert: 'off',
    arrives: tagged,
    title: 'by xdp tags stay once the pod inserts them itself',
  },
  {
    datapath: 'xdp',
    insert: 'on',
    arrives: plain,
    title: 'by xdp tags are lost otherwise, which is why it must be accepted',
  },
] as const)
  vlan.test(title, async () => {
    const wire = await agent.wires.add(
      wireSpec(
        { ...end(names.left), mac: macs.left },
        { ...end(names.right), mac: macs.right },
        { datapath, acceptNoOffload: datapath === 'xdp' },
      ),
    );
    const { name } = wire.left;
    run('ip', '-n', names.left, 'link', ...`add link ${name} name tagged type vlan id 5`.split(' '));
    run('ip', '-n', names.left, 'link', 'set', 'tagged', 'up');
    pods.exec(names.left, 'ethtool', '-K', name, 'tx-vlan-hw-insert', insert);
    const from = { pod: names.left, device: 'tagged' };
    const to = { pod: names.right, device: wire.right.name };
    const [first] = await carry([plain.toString('hex')], from, to, macs.left, {
      lastFrom: { pod: names.left, device: name },
    });
    expect(first).toBe(arrives.toString('hex'));
    await agent.wires.remove({ id: wire.id });
  });

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { findByName } from '../../src/net/device.ts';
import { findBlockFilter, hooks, listFilters } from '../../src/net/filter.ts';
import { addClsact, addClsactRequest, deleteClsact, findClsact, listQdiscs } from '../../src/net/qdisc.ts';
import { NetlinkSocket } from '../../src/net/socket.ts';
import { run } from '../pods.ts';
import { ip, json } from './iproute.ts';

describe('qdiscs and filters', () => {
  let socket: NetlinkSocket;
  let ifindex = 0;
  const tc = (command: string): string => run('tc', ...command.split(' '));

  beforeAll(() => {
    ip('link add tc0 type veth peer name tc1');
    socket = NetlinkSocket.open();
    ifindex = findByName(socket, 'tc0')?.ifindex ?? 0;
  });
  afterAll(() => {
    ip('link del tc0');
    socket.close();
  });

  test('clsact comes and goes, as tc sees it', () => {
    const kinds = (): string[] => (json('tc -j qdisc show dev tc0') as { kind: string }[]).map((q) => q.kind);
    addClsact(socket, ifindex);
    expect(kinds()).toContain('clsact');
    expect(listQdiscs(socket, ifindex)).toContainEqual({
      ifindex,
      kind: 'clsact',
      handle: 0xffff0000,
      parent: 0xfffffff1,
      blocks: { ingress: null, egress: null },
    });
    expect(() => {
      addClsact(socket, ifindex);
    }).toThrow(/^Add clsact to device 'ifindex \d+' failed: EEXIST/);
    deleteClsact(socket, ifindex);
    expect(kinds()).not.toContain('clsact');
    expect(listQdiscs(socket, null).map((qdisc) => qdisc.kind)).not.toContain('clsact');
    expect(listFilters(socket, ifindex, 'ingress')).toEqual([]);
  });

  test('a clsact may share its blocks, which live and die with those who share them', () => {
    const blocks = { ingress: 0x80000001, egress: 0x80000002 };
    const other = findByName(socket, 'tc1')?.ifindex ?? 0;
    const slot = { block: blocks.ingress, handle: 1, priority: 7 };
    expect(findClsact(socket, ifindex)).toBeNull();
    expect(findBlockFilter(socket, slot)).toBeNull();
    for (const index of [ifindex, other]) socket.request(addClsactRequest(index, blocks));
    expect(findClsact(socket, ifindex)).toMatchObject({ ifindex, kind: 'clsact', blocks });
    expect(findBlockFilter(socket, slot)).toBeNull();
    const accept = ['bytecode', '1,6 0 0 4294967295,'];
    run(
      'tc',
      'filter',
      'add',
      'block',
      `${blocks.ingress}`,
      'prio',
      '7',
      'handle',
      '1',
      'bpf',
      'da',
      ...accept,
    );
    expect(findBlockFilter(socket, slot)).toMatchObject({ kind: 'bpf', handle: 1, priority: 7 });
    for (const index of [ifindex, other])
      expect(listFilters(socket, index, 'ingress')).toMatchObject([{ handle: 1, priority: 7 }]);
    deleteClsact(socket, ifindex);
    expect(findBlockFilter(socket, slot)).not.toBeNull();
    deleteClsact(socket, other);
    expect(findBlockFilter(socket, slot)).toBeNull();
  });

  test('filters tc makes are listed per hook, bpf with what it says of itself', () => {
    tc('qdisc add dev tc0 clsact');
    const accept = '1,6 0 0 4294967295,';
    const add = (...args: string[]): string =>
      run('tc', 'filter', 'add', 'dev', 'tc0', ...args, 'bytecode', accept);
    add('ingress', 'prio', '7', 'bpf', 'da');
    add('ingress', 'prio', '8', 'handle', '0x5', 'bpf', 'da');
    add('egress', 'protocol', 'arp', 'prio', '9', 'handle', '0x3', 'bpf');
    expect(listFilters(socket, ifindex, 'ingress')).toEqual([
      {
        ifindex,
        kind: 'bpf',
        parent: hooks.ingress,
        handle: 1,
        priority: 7,
        protocol: 3,
        chain: 0,
        bpf: { name: null, program: null, tag: null, directAction: true },
      },
      expect.objectContaining({ priority: 8, handle: 5 }),
    ]);
    const [egress] = listFilters(socket, ifindex, 'egress');
    expect(egress).toMatchObject({ priority: 9, protocol: 0x0806, handle: 3, bpf: { directAction: false } });
  });
});

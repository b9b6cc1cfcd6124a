import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  createVeth,
  deleteByIndex,
  deleteRequest,
  getRequest,
  listDevices,
  setAlias,
  vethRequest,
} from '../../src/net/device.ts';
import { decodeLink } from '../../src/net/link.ts';
import type { Request } from '../../src/net/message.ts';
import { NetlinkSocket } from '../../src/net/socket.ts';
import { within } from '../../src/net/within.ts';
import { Pods } from '../pods.ts';
import { netFds, netFdsSince } from './iproute.ts';

// Test files share the sandbox's own namespace: whoever lists devices has one to itself.
const pods = new Pods();
const home = { kind: 'name', name: pods.make('socket') } as const;
const open = (): NetlinkSocket => within(home, () => NetlinkSocket.open());

const veth = (name: string, group = 0) => ({
  name,
  mac: '02:00:00:00:00:01',
  mtu: 1500,
  group,
  gso: null,
  peer: { name: `${name}p`, mac: '02:00:00:00:00:02', mtu: 1500, netnsFd: null },
});

const lo = getRequest({ name: 'lo' });
const absent = getRequest({ name: 'nosuch' });
const list: Request = { ...getRequest({ ifindex: 0 }), op: 'List devices' };

describe('a netlink socket', () => {
  let fds: string[];
  beforeEach(() => {
    fds = netFds();
  });

  test('a batch gives one result per request, in order, whatever failed before', () => {
    const socket = open();
    const requests = Array.from({ length: 500 }, (_, i) => (i % 7 === 3 ? absent : lo));
    const results = socket.batch(requests);
    expect(results).toHaveLength(500);
    results.forEach((result, i) => {
      if (i % 7 === 3)
        expect(result).toMatchObject({ ok: false, error: { code: 'ENODEV', object: 'nosuch' } });
      else expect(result.ok && result.replies.map((reply) => decodeLink(reply.body).name)).toEqual(['lo']);
    });
    expect(socket.batch([])).toEqual([]);
    socket.close();
    expect(netFdsSince(fds)).toEqual([]);
  });

  test('synchronous requests get their own answers while others are on pool threads', async () => {
    const socket = open();
    const made = Array.from({ length: 12 }, (_, i) => createVeth(socket, veth(`ns${i}`)));
    const gone: string[] = [];
    const deletions = made.map(async ({ device }) => {
      expect(await deleteByIndex(socket, device.ifindex)).toBe(true);
      gone.push(device.name);
    });
    for (let i = 0; i < 50; i++) {
      expect(socket.request(lo).map((reply) => decodeLink(reply.body).name)).toEqual(['lo']);
      expect(() => socket.request(absent)).toThrow('ENODEV');
      expect(listDevices(socket).map((device) => device.name)).toContain('lo');
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(deletions);
    expect(gone.sort()).toEqual(made.map(({ device }) => device.name).sort());
    socket.close();
    expect(netFdsSince(fds)).toEqual([]);
  });

  test('the event loop runs on while a device is deleted', async () => {
    const socket = open();
    const { device } = createVeth(socket, veth('nsloop'));
    let turns = 0;
    const ticker = setInterval(() => turns++, 1);
    await deleteByIndex(socket, device.ifindex);
    clearInterval(ticker);
    expect(turns).toBeGreaterThan(0);
    socket.close();
  });

  test('a list is complete though devices come and go on another thread', async () => {
    const socket = open();
    const steady = Array.from({ length: 60 }, (_, i) => createVeth(socket, veth(`nk${i}`, 4300)));
    let reads = 0;
    for (let round = 0; round < 5; round++) {
      const made = await socket.batchAsync(
        Array.from({ length: 4 }, (_, i) => vethRequest(veth(`nt${i}`, 4301))),
      );
      expect(made.every((result) => result.ok)).toBe(true);
      const state = { busy: true };
      const churn = Promise.all(
        listDevices(socket)
          .filter((device) => device.name.startsWith('nt') && !device.name.endsWith('p'))
          .map((device) => deleteByIndex(socket, device.ifindex)),
      ).finally(() => (state.busy = false));
      while (state.busy) {
        const names = new Set(listDevices(socket).map((device) => device.name));
        for (const { device } of steady) expect(names).toContain(device.name);
        reads++;
        await new Promise((resolve) => setImmediate(resolve));
      }
      await churn;
    }
    expect(reads).toBeGreaterThan(5);
    await socket.batchAsync(steady.map(({ device }) => deleteRequest(device.ifindex)));
    socket.close();
    expect(netFdsSince(fds)).toEqual([]);
  });

  test("the kernel's refusal of an alias that is too long names what failed", () => {
    const socket = open();
    expect(() => {
      setAlias(socket, 1, 'x'.repeat(300));
    }).toThrow(/^Set alias of device 'ifindex 1' failed: (EINVAL|ERANGE)/);
    socket.close();
  });

  describe('in each of its states', () => {
    const methods: Record<string, (socket: NetlinkSocket) => unknown> = {
      request: (socket) => socket.request(lo),
      requestAsync: (socket) => socket.requestAsync(lo),
      dump: (socket) => socket.dump(list),
      batch: (socket) => socket.batch([lo]),
      batchAsync: (socket) => socket.batchAsync([lo]),
    };

    test.each(Object.entries(methods))('%s: works open, is refused by name once closed', async (_, call) => {
      const socket = open();
      expect(await call(socket)).not.toHaveLength(0);
      socket.close();
      await expect(async () => call(socket)).rejects.toMatchObject({ name: 'ClosedError' });
      expect(netFdsSince(fds)).toEqual([]);
    });

    test.each(Object.entries(methods))(
      '%s: is refused while closing, what was asked before is answered',
      async (_, call) => {
        const socket = open();
        const { device } = createVeth(socket, veth('nsclose'));
        const deletion = deleteByIndex(socket, device.ifindex);
        socket.close();
        await expect(async () => call(socket)).rejects.toMatchObject({ name: 'ClosedError' });
        expect(await deletion).toBe(true);
        expect(netFdsSince(fds)).toEqual([]);
      },
    );

    test('close may be repeated in any of them', async () => {
      const socket = open();
      const pending = socket.requestAsync(lo);
      socket.close();
      socket.close();
      expect(await pending).toHaveLength(1);
      socket.close();
      expect(netFdsSince(fds)).toEqual([]);
    });
  });

  afterAll(() => {
    const socket = open();
    expect(listDevices(socket, { kind: 'veth' })).toEqual([]);
    socket.close();
    pods.close();
  });
});

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { findByName, setMtu } from '../../src/net/device.ts';
import { Monitor, type MonitorEvent } from '../../src/net/monitor.ts';
import { openNetns, withHandle } from '../../src/net/netns.ts';
import { assignNsid, nsidOf } from '../../src/net/nsid.ts';
import { NetlinkSocket } from '../../src/net/socket.ts';
import { eventually, Pods } from '../pods.ts';
import { ip, netFds, netFdsSince } from './iproute.ts';

describe('the monitor', () => {
  let fds: string[];
  let pods: Pods;
  let socket: NetlinkSocket;
  let events: MonitorEvent[];
  const open = new Set<Monitor>();

  beforeEach(() => {
    fds = netFds();
    pods = new Pods();
    socket = NetlinkSocket.open();
    events = [];
  });
  afterEach(() => {
    for (const monitor of open) monitor.close();
    open.clear();
    socket.close();
    pods.close();
    expect(netFdsSince(fds)).toEqual([]);
  });

  const record = (event: MonitorEvent): void => {
    events.push(event);
  };
  const opened = (monitor: Monitor): Monitor => {
    open.add(monitor);
    return monitor;
  };
  const seen = (expected: object): Promise<void> =>
    eventually(() => {
      expect(events).toContainEqual(expect.objectContaining(expected));
    });
  const device = (fields: object): unknown => expect.objectContaining(fields);
  const assign = (name: string): number =>
    withHandle(openNetns({ kind: 'name', name }), ({ fd }) => assignNsid(socket, fd));

  test('devices of our namespace come without a number, those of others with theirs', async () => {
    const pod = pods.make('heard');
    const unheard = pods.make('unheard');
    const monitor = opened(Monitor.open(record));
    const nsid = assign(pod);
    await seen({ kind: 'nsid', change: 'new', nsid });
    ip('link add mon0 type veth peer name mon1');
    ip('link set mon1 address 02:00:00:00:00:44');
    await seen({ kind: 'device', change: 'new', nsid: null, device: device({ name: 'mon0', kind: 'veth' }) });
    await seen({ kind: 'device', nsid: null, device: device({ name: 'mon1', mac: '02:00:00:00:00:44' }) });
    ip(`-n ${unheard} link add never type bridge`);
    ip(`-n ${pod} link add in0 type bridge`);
    ip(`-n ${pod} link set in0 up`);
    await seen({ kind: 'device', nsid, device: device({ name: 'in0', up: true }) });
    ip(`-n ${pod} link del in0`);
    await seen({ kind: 'device', change: 'del', nsid, device: device({ name: 'in0' }) });
    ip('link del mon0');
    await seen({ kind: 'device', change: 'del', nsid: null, device: device({ name: 'mon0' }) });
    expect(events.some((event) => event.kind === 'device' && event.device.name === 'never')).toBe(false);
    monitor.close();
  });

  test('devices that nobody wants to hear of are not told', async () => {
    const pod = pods.make('wanted');
    const nsid = assign(pod);
    ip('link add mon2 type bridge');
    ip(`-n ${pod} link add in0 index 77 type bridge`);
    ip(`-n ${pod} link add in1 index 78 type bridge`);
    opened(Monitor.open(record, { wants: (_change, at, ifindex) => at === nsid && ifindex === 77 }));
    ip('link set mon2 up');
    ip(`-n ${pod} link set in1 up`);
    ip(`-n ${pod} link set in0 up`);
    await seen({ kind: 'device', nsid, device: device({ name: 'in0', up: true }) });
    ip('link del mon2');
    pods.remove(pod);
    await seen({ kind: 'nsid', change: 'del', nsid });
    const names = events.flatMap((event) => (event.kind === 'device' ? event.device.name : []));
    expect(new Set(names)).toEqual(new Set(['in0']));
  });

  test("a namespace's end is told, and neither the monitor nor its number keeps it", async () => {
    const pod = pods.make('ending');
    const monitor = opened(Monitor.open(record));
    const nsid = assign(pod);
    pods.remove(pod);
    await seen({ kind: 'nsid', change: 'del', nsid });
    monitor.close();
  });

  test('a number is asked for, given once and stays', () => {
    const pod = pods.make('number');
    withHandle(openNetns({ kind: 'name', name: pod }), ({ fd }) => {
      expect(nsidOf(socket, fd)).toBeNull();
      const nsid = assignNsid(socket, fd);
      expect(assignNsid(socket, fd)).toBe(nsid);
      expect(nsidOf(socket, fd)).toBe(nsid);
    });
  });

  test('what does not fit is told as an overflow, and later events come through again', async () => {
    ip('link add mon0 type veth peer name mon1');
    const ifindex = findByName(socket, 'mon0')?.ifindex ?? 0;
    const monitor = opened(Monitor.open(record, { receiveBuffer: 4096 }));
    for (let round = 0; round < 3; round++) {
      events = [];
      for (let i = 0; i < 200; i++) setMtu(socket, ifindex, 1000 + i);
      await seen({ kind: 'overflow' });
      setMtu(socket, ifindex, 4000 + round);
      await seen({ kind: 'device', device: device({ name: 'mon0', mtu: 4000 + round }) });
    }
    monitor.close();
    ip('link del mon0');
  });

  test('nothing that happens after an overflow was told goes unheard', async () => {
    ip('link add mon0 type veth peer name mon1');
    const ifindex = findByName(socket, 'mon0')?.ifindex ?? 0;
    let told = 0;
    const monitor = opened(
      Monitor.open(
        (event) => {
          record(event);
          if (event.kind === 'overflow') setMtu(socket, ifindex, 5000 + told++);
        },
        { receiveBuffer: 4096 },
      ),
    );
    for (let i = 0; i < 200; i++) setMtu(socket, ifindex, 1000 + i);
    await seen({ kind: 'device', device: device({ name: 'mon0', mtu: 5000 }) });
    expect(told).toBe(1);
    monitor.close();
    ip('link del mon0');
  });

  test('nothing is delivered after close, from within a delivery either, and closing twice is harmless', async () => {
    let delivered = 0;
    const monitor = Monitor.open(() => {
      delivered++;
      monitor.close();
    });
    ip('link add mon0 type veth peer name mon1');
    ip('link del mon0');
    await eventually(() => {
      expect(delivered).toBe(1);
    });
    monitor.close();
    monitor.unref();
    const second = opened(Monitor.open(record));
    second.close();
    ip('link add mon0 type veth peer name mon1');
    ip('link del mon0');
    await new Promise((resolve) => setImmediate(resolve));
    expect(delivered).toBe(1);
    expect(events).toEqual([]);
  });
});

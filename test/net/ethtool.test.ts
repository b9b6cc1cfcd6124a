import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { changeDevice, findByName, setUp } from '../../src/net/device.ts';
import { getOffloads, glink, setOffload } from '../../src/net/ethtool.ts';
import { NetlinkSocket } from '../../src/net/socket.ts';
import { getSysctl, setSysctl } from '../../src/net/sysctl.ts';
import { within } from '../../src/net/within.ts';
import { Pods } from '../pods.ts';
import { ip, json, netFds, netFdsSince } from './iproute.ts';

// our namespace: e0 ===== e1 :pod
describe('inside a namespace', () => {
  const pods = new Pods();
  const pod = pods.make('ethtool');
  const ref = { kind: 'name', name: pod } as const;
  let socket: NetlinkSocket;
  let inside: NetlinkSocket;
  let fds: string[];

  beforeAll(() => {
    fds = netFds();
    ip(`link add e0 type veth peer name e1 netns ${pod}`);
    socket = NetlinkSocket.open();
    within(ref, () => {
      inside = NetlinkSocket.open();
    });
  });
  afterAll(() => {
    inside.close();
    ip('link del e0');
    socket.close();
    pods.close();
    expect(netFdsSince(fds)).toEqual([]);
  });

  test('the carrier follows both ends at once', () => {
    const e0 = findByName(socket, 'e0')?.ifindex ?? 0;
    expect(glink(socket, 'e0')).toBe(false);
    setUp(socket, e0);
    expect(glink(socket, 'e0')).toBe(false);
    ip(`-n ${pod} link set e1 up`);
    expect(glink(socket, 'e0')).toBe(true);
    expect(glink(inside, 'e1')).toBe(true);
    expect(findByName(socket, 'e0')).toMatchObject({ carrier: true, operstate: 'up', running: true });
    changeDevice(socket, e0, { up: false });
    expect(glink(inside, 'e1')).toBe(false);
    expect(() => glink(socket, 'e1')).toThrow(/^Ask carrier of device 'e1' failed: ENODEV/);
  });

  test('offloads are what ethtool reads, in the namespace of the socket', () => {
    const ethtool = (): Record<string, { active: boolean }> =>
      (
        JSON.parse(pods.exec(pod, 'ethtool', '--json', '-k', 'e1')) as Record<string, { active: boolean }>[]
      )[0] ?? {};
    expect(getOffloads(inside, 'e1')).toMatchObject({ tx: true, rx: true, sg: true, tso: true });
    setOffload(inside, 'e1', 'tx', false);
    setOffload(inside, 'e1', 'gro', true);
    const read = ethtool();
    expect(read['tx-checksumming']?.active).toBe(false);
    expect(getOffloads(inside, 'e1')).toEqual({
      rx: read['rx-checksumming']?.active,
      tx: false,
      sg: read['scatter-gather']?.active,
      tso: read['tx-tcp-segmentation']?.active,
      gso: read['generic-segmentation-offload']?.active,
      gro: read['generic-receive-offload']?.active,
    });
    expect(read['generic-receive-offload']?.active).toBe(true);
    expect(getOffloads(socket, 'e0').tx).toBe(true);
  });

  test('sysctls are those of the namespace, not ours', () => {
    const path = 'net/ipv6/conf/e1/disable_ipv6';
    setSysctl(ref, path, '1');
    expect(getSysctl(ref, path)).toBe('1');
    expect(pods.exec(pod, 'cat', `/proc/sys/${path}`)).toBe('1\n');
    expect(json(`ip -n ${pod} -6 -j addr show dev e1`)).toEqual([]);
    setSysctl(ref, 'net/ipv4/ip_forward', '1');
    expect(getSysctl(null, 'net/ipv4/ip_forward')).toBe('0');
    expect(within(ref, () => getSysctl(null, 'net/ipv4/ip_forward'))).toBe('1');
  });

  test('a refused sysctl is named, and no path leaves /proc/sys/net', () => {
    expect(() => getSysctl(null, 'net/ipv6/conf/e1/disable_ipv6')).toThrow(
      /^Read sysctl 'net\/ipv6\/conf\/e1\/disable_ipv6' failed: ENOENT/,
    );
    expect(() => {
      setSysctl(ref, 'net/ipv4/no_such', '1');
    }).toThrow(/^Set sysctl 'net\/ipv4\/no_such' failed: ENOENT/);
    expect(() => {
      setSysctl(ref, 'net/ipv4/ip_forward', 'x');
    }).toThrow('EINVAL');
    for (const path of ['kernel/hostname', 'net/../kernel/hostname', '/net/ipv4/ip_forward', 'net', 'net//x'])
      expect(() => getSysctl(null, path)).toThrow("allowed is a path below 'net/'");
  });
});

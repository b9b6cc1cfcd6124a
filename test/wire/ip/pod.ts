import { type Pods, run } from '../../pods.ts';

/**
 * A pod with networking of its own, as a CNI leaves it: eth0 with addresses of both families, a default route
 * and a neighbour that somebody put there. Returns its name.
 */
export function podWithEth0(pods: Pods, label: string): string {
  const name = pods.make(label);
  const ip = (...args: string[]): string => run('ip', '-n', name, ...args);
  ip('link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'node0');
  for (const device of ['eth0', 'node0']) ip('link', 'set', device, 'addrgenmode', 'none');
  for (const device of ['eth0', 'node0']) ip('link', 'set', device, 'up');
  ip('addr', 'add', '192.0.2.10/24', 'dev', 'eth0');
  ip('addr', 'add', '2001:db8:ffff::10/64', 'dev', 'eth0', 'nodad');
  ip('route', 'add', 'default', 'via', '192.0.2.1');
  ip('-6', 'route', 'add', 'default', 'via', '2001:db8:ffff::1', 'metric', '2048');
  ip('neigh', 'add', '192.0.2.1', 'lladdr', '02:00:00:00:00:77', 'dev', 'eth0');
  return name;
}

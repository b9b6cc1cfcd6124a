import { NetError } from '../../../net/error.ts';
import { getSysctl, setSysctl, setSysctlIfAny } from '../../../net/sysctl.ts';

/** Settings of the namespace that the calling thread is in. */

/** Addresses of an interface of ours are nobody else's: it uses them at once. */
export function trustAddresses(name: string): void {
  setSysctlIfAny(null, `net/ipv6/conf/${name}/accept_dad`, '0');
}

/** A pod that uses no IPv6 by itself has it switched off for interfaces to come. */
export function allowIpv6(name: string): void {
  setSysctlIfAny(null, `net/ipv6/conf/${name}/disable_ipv6`, '0');
}

/** Without it the kernel takes the other addresses of a subnet along with the first one. */
export function keepSecondaries(name: string): void {
  setSysctlIfAny(null, `net/ipv4/conf/${name}/promote_secondaries`, '1');
}

const PING_GROUPS = 'net/ipv4/ping_group_range';

/** Lets processes without privilege send echo requests, by which NSM's clients see that a connection lives. */
export function letAnyonePing(): void {
  if (getSysctl(null, PING_GROUPS) === '0\t2147483647') return;
  try {
    setSysctl(null, PING_GROUPS, '0 2147483647');
  } catch (error) {
    // Where the pod's user namespace lacks such groups the kernel takes no range with them.
    if (!(error instanceof NetError) || error.code !== 'EINVAL') throw error;
  }
}

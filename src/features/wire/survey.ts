import { fileKey } from '../../file-identity.ts';
import type { SideRecord } from '../../state/wire-record.ts';
import type { Device } from '../../net/link.ts';
import type { NetnsHandle } from '../../net/netns.ts';
import type { NetlinkSocket } from '../../net/socket.ts';
import { listVeths, ofPod, type Veths } from './devices.ts';

/**
 * The devices of the agent's namespace and of pods, each listed once, when the first of its wires is looked for. What
 * happens later is for the follower, which reads everything when all wires are taken up.
 */
export class Survey {
  readonly #named: ReadonlyMap<string, Device>;
  readonly #pods = new Map<string, Veths>();
  /** In the agent's namespace. */
  readonly host: Veths;

  constructor(host: NetlinkSocket) {
    this.host = listVeths(host);
    this.#named = new Map([...this.host.values()].map((device) => [device.name, device]));
  }

  #pod(netns: NetnsHandle): Veths {
    const key = fileKey(netns);
    const known = this.#pods.get(key);
    if (known) return known;
    const found = ofPod(netns, listVeths);
    this.#pods.set(key, found);
    return found;
  }

  /**
   * The two ends of a side, whatever they are called by now. Between creation and mark, hence only of a wire that was
   * being opened, a host end has nothing but its name, which the record foretold.
   */
  find(
    { mark, unmarked }: { mark: string; unmarked: boolean },
    record: SideRecord,
    netns: NetnsHandle | null,
  ): SideFound {
    const meant = (device: Device | undefined, alias: string | null): Device | null =>
      device?.alias === alias ? device : null;
    const named = this.#named.get(record.hostName);
    const found =
      meant(named, mark) ??
      (unmarked ? meant(named, null) : null) ??
      meant(this.host.get(record.hostIfindex), mark);
    const podIfindex = found?.linkIfindex ?? null;
    if (found === null || podIfindex === null || netns === null) return { host: found, pod: null };
    const pod = this.#pod(netns).get(podIfindex);
    return { host: found, pod: pod?.linkIfindex === found.ifindex ? pod : null };
  }
}

export interface SideFound {
  /** The host end, if it is there and ours. */
  host: Device | null;
  /** The pod's end of it; null also where the namespace cannot be entered. */
  pod: Device | null;
}

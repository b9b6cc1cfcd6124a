import type { DatapathChoice, SideSpec, WireOwner, WireSpec } from '../../src/features/wire/api.ts';
import { afterAll, beforeEach, expect } from '@jest/globals';
import { failOnLeakedFds } from '../fds.ts';
import { Pods } from '../pods.ts';
import { links } from './inventory.ts';
import { end, Node, wireSpec } from './node.ts';

export const it = { connection: 'it' };

/** Three pods, and what a wire between the first two is to be. */
class MovePlace {
  readonly pods = new Pods();
  readonly node = new Node();
  client = '';
  old = '';
  fresh = '';
  #made = 0;

  renew(): void {
    this.#made += 1;
    for (const label of ['client', 'old', 'fresh'] as const)
      this[label] = this.pods.make(`${label}${this.#made}`);
  }

  /** One of these that has ended is there again, under another name. */
  again(label: 'client' | 'old' | 'fresh'): void {
    this[label] = this.pods.make(`again${this.#made}`);
  }

  left(): SideSpec {
    return {
      ...end(this.client, '10.0.0.1/24', 'fd00::1/64'),
      name: 'nsm-1',
      policies: [{ from: null, ipProto: '6', sport: null, dport: '80', routes: [] }],
    };
  }

  right(pod: string): SideSpec {
    return { ...end(pod, '10.0.0.2/24', 'fd00::2/64'), name: 'nsm-2' };
  }

  spec(owner: WireOwner = 'connection', datapath: DatapathChoice = 'auto'): WireSpec {
    return wireSpec(this.left(), this.right(this.old), { ...it, owner, datapath, acceptNoOffload: true });
  }

  pings(address: string): void {
    expect(this.pods.exec(this.client, 'ping', '-n', '-c', '1', '-W', '3', address)).toContain('1 received');
  }

  async close(): Promise<void> {
    await this.node.close();
    this.pods.close();
  }
}

/** A place with other pods for every test of the file, closed at its end. Whatever else is closed is closed before. */
export function movePlace(): MovePlace {
  const place = new MovePlace();
  beforeEach(() => {
    place.renew();
  });
  afterAll(() => place.close());
  failOnLeakedFds();
  return place;
}

export const names = (pod: string): string[] => links(pod).map(({ ifname }) => ifname);

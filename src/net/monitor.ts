import type { Watch } from '../../loader/ffi/port.ts';
import { CodecError } from './error.ts';
import { watch } from './libc.ts';
import { decodeLink, IFINFOMSG, RTM_DELLINK, RTM_NEWLINK, type Device } from './link.ts';
import { decodeMessages, type Message } from './message.ts';
import { decodeNsid, RTM_DELNSID, RTM_NEWNSID } from './nsid.ts';
import { Receiver } from './recvmsg.ts';
import { closeFd, openNetlink, setNetlinkOption, setReceiveBuffer } from './transport.ts';

const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_LISTEN_ALL_NSID = 8;
const RTNLGRP_LINK = 1;
const RTNLGRP_NSID = 28;

const RECEIVE_BUFFER = 8 * 1024 * 1024;
// Then the event loop gets its turn; the watch calls again while there is more.
const DATAGRAMS_PER_TURN = 256;

export type MonitorEvent =
  /** A device appeared or changed ('new') or went ('del'). nsid null: in our own namespace. */
  | {
      readonly kind: 'device';
      readonly change: 'new' | 'del';
      readonly nsid: number | null;
      readonly device: Device;
    }
  /** A namespace got a number, or ended: then the number is free for another one. */
  | { readonly kind: 'nsid'; readonly change: 'new' | 'del'; readonly nsid: number }
  /** Notifications were lost: what the owner knows may be stale, so it reads everything anew. */
  | { readonly kind: 'overflow' };

/** Whether anything of this device is to be told. Taking a notification apart costs more than asking. */
export type Wants = (change: 'new' | 'del', nsid: number | null, ifindex: number) => boolean;

/** null: a notification nobody asked for. Throws CodecError. */
export function decodeNotification(message: Message, nsid: number | null): MonitorEvent | null {
  switch (message.type) {
    case RTM_NEWLINK:
    case RTM_DELLINK: {
      const change = message.type === RTM_NEWLINK ? 'new' : 'del';
      return { kind: 'device', change, nsid, device: decodeLink(message.body) };
    }
    case RTM_NEWNSID:
    case RTM_DELNSID: {
      const named = decodeNsid(message.body);
      return named === null
        ? null
        : { kind: 'nsid', change: message.type === RTM_NEWNSID ? 'new' : 'del', nsid: named };
    }
    default:
      return null;
  }
}

/**
 * Hears the devices of our namespace and of every namespace that has a number in it (assignNsid), and
 * holds none of them. A namespace without a number, and what happened before it got one, is not heard.
 */
export class Monitor {
  readonly #fd: number;
  readonly #receiver = new Receiver();
  readonly #deliver: (event: MonitorEvent) => void;
  readonly #wants: Wants;
  readonly #watch: Watch;
  #open = true;
  /** The kernel drops what happens until everything it holds for us has been taken, and says so only once. */
  #behind = false;

  private constructor(fd: number, deliver: (event: MonitorEvent) => void, wants: Wants) {
    this.#fd = fd;
    this.#deliver = deliver;
    this.#wants = wants;
    this.#watch = watch(fd, () => {
      this.#read();
    });
  }

  /**
   * In the namespace of the calling thread; needs CAP_NET_BROADCAST there. `deliver` is called in the order
   * of the events and must not throw. The caller closes. `receiveBuffer` in bytes.
   */
  static open(
    deliver: (event: MonitorEvent) => void,
    { wants = () => true, receiveBuffer = RECEIVE_BUFFER }: { wants?: Wants; receiveBuffer?: number } = {},
  ): Monitor {
    const fd = openNetlink((opened) => {
      setReceiveBuffer(opened, receiveBuffer);
      setNetlinkOption(opened, NETLINK_LISTEN_ALL_NSID, 1, 'NETLINK_LISTEN_ALL_NSID');
      setNetlinkOption(opened, NETLINK_ADD_MEMBERSHIP, RTNLGRP_LINK, 'membership of RTNLGRP_LINK');
      setNetlinkOption(opened, NETLINK_ADD_MEMBERSHIP, RTNLGRP_NSID, 'membership of RTNLGRP_NSID');
    });
    try {
      return new Monitor(fd, deliver, wants);
    } catch (error) {
      closeFd(fd);
      throw error;
    }
  }

  /** The process may end while the monitor is open. */
  unref(): void {
    if (this.#open) this.#watch.unref();
  }

  /** Harmless when repeated. Nothing is delivered afterwards, not even what was received. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#watch.close();
    closeFd(this.#fd);
  }

  #read(): void {
    for (let i = 0; (i < DATAGRAMS_PER_TURN || this.#behind) && this.#open; i++) {
      const received = this.#receiver.receive(this.#fd);
      switch (received.kind) {
        case 'empty':
          if (!this.#behind) return;
          // Told only now: what its owner reads before may change without a word (netlink_rcv_wake()).
          this.#behind = false;
          this.#deliver({ kind: 'overflow' });
          break;
        case 'overrun':
          this.#behind = true;
          break;
        case 'datagram':
          if (!this.#behind) this.#events(received.datagram, received.nsid);
      }
    }
  }

  #wanted({ type, body }: Message, nsid: number | null): boolean {
    if (type !== RTM_NEWLINK && type !== RTM_DELLINK) return true;
    const change = type === RTM_NEWLINK ? 'new' : 'del';
    return body.length < IFINFOMSG || this.#wants(change, nsid, body.readInt32LE(4));
  }

  #events(datagram: Buffer, nsid: number | null): void {
    let events: (MonitorEvent | null)[];
    try {
      events = decodeMessages(datagram)
        .filter((message) => this.#wanted(message, nsid))
        .map((message) => decodeNotification(message, nsid));
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      // What cannot be read is as good as lost.
      events = [{ kind: 'overflow' }];
    }
    for (const event of events) if (event !== null && this.#open) this.#deliver(event);
  }
}

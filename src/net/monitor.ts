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
 * What was heard in one turn of the event loop, in its order. Of what a device has become several times only the last is
 * told: opening one wire is a dozen notifications of four devices.
 */
class Heard {
  #messages: ({ readonly message: Message; readonly nsid: number | null } | 'lost' | null)[] = [];
  readonly #latest = new Map<string, number>();

  add(message: Message, nsid: number | null): void {
    if ((message.type === RTM_NEWLINK || message.type === RTM_DELLINK) && message.body.length >= IFINFOMSG) {
      const device = `${nsid ?? ''}/${message.body.readInt32LE(4)}`;
      const earlier = this.#latest.get(device);
      if (earlier !== undefined) this.#messages[earlier] = null;
      if (message.type === RTM_NEWLINK) this.#latest.set(device, this.#messages.length);
      else this.#latest.delete(device);
    }
    this.#messages.push({ message, nsid });
  }

  /** What cannot be read is as good as lost. */
  lost(): void {
    this.#messages.push('lost');
  }

  /** Each is read when it is its turn. */
  *take(): Generator<MonitorEvent, void> {
    const messages = this.#messages;
    this.#messages = [];
    this.#latest.clear();
    for (const heard of messages) {
      if (heard === null) continue;
      const event = heard === 'lost' ? overflow : read(heard.message, heard.nsid);
      if (event !== null) yield event;
    }
  }
}

const overflow: MonitorEvent = { kind: 'overflow' };

function read(message: Message, nsid: number | null): MonitorEvent | null {
  try {
    return decodeNotification(message, nsid);
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    return overflow;
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
   * of the events, once for what a device became several times in a turn of the event loop, and must not throw.
   * The caller closes. `receiveBuffer` in bytes.
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
    const heard = new Heard();
    for (let i = 0; (i < DATAGRAMS_PER_TURN || this.#behind) && this.#open; i++) {
      const received = this.#receiver.receive(this.#fd);
      switch (received.kind) {
        case 'empty':
          this.#tell(heard);
          if (!this.#behind) return;
          // Told only now: what its owner reads before may change without a word (netlink_rcv_wake()).
          this.#behind = false;
          this.#deliver(overflow);
          break;
        case 'overrun':
          this.#behind = true;
          break;
        case 'datagram':
          if (!this.#behind) this.#gather(received.datagram, received.nsid, heard);
      }
    }
    this.#tell(heard);
  }

  #wanted({ type, body }: Message, nsid: number | null): boolean {
    if (type !== RTM_NEWLINK && type !== RTM_DELLINK) return true;
    const change = type === RTM_NEWLINK ? 'new' : 'del';
    return body.length < IFINFOMSG || this.#wants(change, nsid, body.readInt32LE(4));
  }

  #gather(datagram: Buffer, nsid: number | null, heard: Heard): void {
    try {
      for (const message of decodeMessages(datagram))
        if (this.#wanted(message, nsid)) heard.add(message, nsid);
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      heard.lost();
    }
  }

  #tell(heard: Heard): void {
    for (const event of heard.take()) if (this.#open) this.#deliver(event);
  }
}

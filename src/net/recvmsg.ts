import { CodecError, NetError } from './error.ts';
import { addressOf, errno, fixedMemory, recvmsg } from './libc.ts';
import { MSG_DONTWAIT, MSG_TRUNC } from './transport.ts';

/** One datagram with its ancillary data: struct msghdr as 64-bit Linux lays it out. */
const EINTR = 4;
const EAGAIN = 11;
const ENOBUFS = 105;

const SOL_NETLINK = 270;
const NETLINK_LISTEN_ALL_NSID = 8;

const MSGHDR = 56;
const MSG_FLAGS = 48;
const CMSGHDR = 16;
const align8 = (length: number): number => (length + 7) & ~7;

export type Notified =
  | { kind: 'datagram'; datagram: Buffer; /** null: our own namespace. */ nsid: number | null }
  | { kind: 'empty' }
  | { kind: 'overrun' };

/** The namespace id in the ancillary data, which the kernel adds for every namespace but our own. */
export function nsidIn(control: Buffer): number | null {
  let offset = 0;
  while (control.length - offset >= CMSGHDR) {
    const length = Number(control.readBigUInt64LE(offset));
    if (length < CMSGHDR || length > control.length - offset)
      throw new CodecError(
        `Ancillary data at ${offset} claims ${length} of ${control.length - offset} bytes`,
      );
    const level = control.readInt32LE(offset + 8);
    const type = control.readInt32LE(offset + 12);
    if (level === SOL_NETLINK && type === NETLINK_LISTEN_ALL_NSID && length >= CMSGHDR + 4)
      return control.readInt32LE(offset + CMSGHDR);
    offset += align8(length);
  }
  return null;
}

/** Receives into memory of its own, whose addresses are written into the header once. */
export class Receiver {
  readonly #data = fixedMemory(64 * 1024);
  readonly #control = fixedMemory(128);
  readonly #sender = fixedMemory(12);
  readonly #iovec = fixedMemory(16);
  readonly #header = fixedMemory(MSGHDR);

  constructor() {
    this.#iovec.writeBigUInt64LE(addressOf(this.#data), 0);
    this.#iovec.writeBigUInt64LE(BigInt(this.#data.length), 8);
  }

  #reset(): void {
    const h = this.#header;
    h.writeBigUInt64LE(addressOf(this.#sender), 0);
    h.writeUInt32LE(this.#sender.length, 8);
    h.writeBigUInt64LE(addressOf(this.#iovec), 16);
    h.writeBigUInt64LE(1n, 24);
    h.writeBigUInt64LE(addressOf(this.#control), 32);
    h.writeBigUInt64LE(BigInt(this.#control.length), 40);
  }

  /** Never waits. A datagram that is cut off or not from the kernel counts as lost. */
  receive(fd: number): Notified {
    for (;;) {
      this.#reset();
      const length = Number(recvmsg(fd, this.#header, MSG_DONTWAIT));
      if (length < 0) {
        const number = errno();
        if (number === EINTR) continue;
        if (number === EAGAIN) return { kind: 'empty' };
        if (number === ENOBUFS) return { kind: 'overrun' };
        throw new NetError('Receive from', 'netlink socket', number);
      }
      if (this.#sender.readUInt32LE(4) !== 0) continue;
      if ((this.#header.readInt32LE(MSG_FLAGS) & MSG_TRUNC) !== 0) return { kind: 'overrun' };
      const control = this.#control.subarray(0, Number(this.#header.readBigUInt64LE(40)));
      return {
        kind: 'datagram',
        datagram: Buffer.from(this.#data.subarray(0, length)),
        nsid: nsidIn(control),
      };
    }
  }
}

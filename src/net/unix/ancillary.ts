import { addressOf, errno, fixedMemory, recvmsg, sendmsg } from '../libc.ts';
import { DESCRIPTORS_PER_MESSAGE, READ_BYTES } from './limits.ts';

/** Bytes of a unix socket with the descriptors that ride on them: struct msghdr as 64-bit Linux lays it out. */
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_CTRUNC = 0x8;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;
const EINTR = 4;

const MSGHDR = 56;
const MSG_IOV = 16;
const MSG_IOVLEN = 24;
const MSG_CONTROL = 32;
const MSG_CONTROLLEN = 40;
const MSG_FLAGS = 48;
const CMSGHDR = 16;
const align8 = (length: number): number => (length + 7) & ~7;

export interface Arrival {
  /** Bytes read, 0 at the end of the stream, -errno when it failed. */
  readonly length: number;
  /** Valid until the next `receive`. */
  readonly bytes: Buffer;
  /** CLOEXEC; the caller closes them. */
  readonly fds: readonly number[];
  /** Descriptors were lost: this process has no room for them (RLIMIT_NOFILE). */
  readonly truncated: boolean;
}

function descriptorsIn(control: Buffer): number[] {
  const fds: number[] = [];
  let offset = 0;
  while (control.length - offset >= CMSGHDR) {
    // The kernel wrote it: a length that does not fit cannot be, and would leave nothing to go on from.
    const length = Number(control.readBigUInt64LE(offset));
    if (length < CMSGHDR || length > control.length - offset) break;
    const rights =
      control.readInt32LE(offset + 8) === SOL_SOCKET && control.readInt32LE(offset + 12) === SCM_RIGHTS;
    for (let at = CMSGHDR; rights && at + 4 <= length; at += 4) fds.push(control.readInt32LE(offset + at));
    offset += align8(length);
  }
  return fds;
}

/** struct msghdr with the memory it points to, which lives as long as this object does. */
class Message {
  readonly header = fixedMemory(MSGHDR);
  readonly data: Buffer;
  readonly control: Buffer;
  readonly #vector = fixedMemory(16);

  constructor(dataBytes: number, controlBytes: number) {
    this.data = fixedMemory(dataBytes);
    this.control = fixedMemory(align8(CMSGHDR + controlBytes));
    this.#vector.writeBigUInt64LE(addressOf(this.data), 0);
    this.#vector.writeBigUInt64LE(BigInt(dataBytes), 8);
    this.header.writeBigUInt64LE(addressOf(this.#vector), MSG_IOV);
    this.header.writeBigUInt64LE(1n, MSG_IOVLEN);
    this.header.writeBigUInt64LE(addressOf(this.control), MSG_CONTROL);
  }

  /** Before each call, since recvmsg writes there how much of it was used. */
  resetControl(): void {
    this.header.writeBigUInt64LE(BigInt(this.control.length), MSG_CONTROLLEN);
  }
}

const NOTHING = Buffer.alloc(0);

// Shared by all streams: each is filled and emptied within one synchronous call.
const incoming = new Message(READ_BYTES, 4 * DESCRIPTORS_PER_MESSAGE);
const outgoing = new Message(1, 4);
outgoing.resetControl();
outgoing.control.writeBigUInt64LE(BigInt(CMSGHDR + 4), 0);
outgoing.control.writeInt32LE(SOL_SOCKET, 8);
outgoing.control.writeInt32LE(SCM_RIGHTS, 12);

/** Never waits. */
export function receive(socket: number): Arrival {
  for (;;) {
    incoming.resetControl();
    const { header, data, control } = incoming;
    const length = Number(recvmsg(socket, header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
    if (length >= 0) {
      const used = Number(header.readBigUInt64LE(MSG_CONTROLLEN));
      return {
        length,
        bytes: data.subarray(0, length),
        fds: used === 0 ? [] : descriptorsIn(control.subarray(0, used)),
        truncated: (header.readInt32LE(MSG_FLAGS) & MSG_CTRUNC) !== 0,
      };
    }
    const number = errno();
    if (number !== EINTR) return { length: -number, bytes: NOTHING, fds: [], truncated: false };
  }
}

/** Sends one byte with one descriptor on it. Never waits. 1, or -errno. */
export function sendWith(socket: number, byte: number, fd: number): number {
  outgoing.data[0] = byte;
  outgoing.control.writeInt32LE(fd, CMSGHDR);
  for (;;) {
    const sent = Number(sendmsg(socket, outgoing.header, MSG_DONTWAIT | MSG_NOSIGNAL));
    if (sent >= 0) return sent;
    const number = errno();
    if (number !== EINTR) return -number;
  }
}

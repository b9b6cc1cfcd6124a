import { check, CodecError, NetError } from './error.ts';
import { bind, close, errno, recvfrom, setsockopt, socket } from './libc.ts';

/** The netlink socket itself: how it is opened and how one datagram is read. */
const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const NETLINK_ROUTE = 0;

const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_RCVBUFFORCE = 33;
const SOL_NETLINK = 270;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NETLINK_GET_STRICT_CHK = 12;

export const MSG_TRUNC = 0x20;
export const MSG_DONTWAIT = 0x40;
const EINTR = 4;
const EAGAIN = 11;
const ENOBUFS = 105;

const RECEIVE_BUFFER = 1024 * 1024;
const SOCKADDR_NL = 12;

export function setNetlinkOption(fd: number, option: number, value: number, name: string): void {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  check(setsockopt(fd, SOL_NETLINK, option, bytes, 4), 'Set netlink option', name);
}

/** More than net.core.rmem_max needs CAP_NET_ADMIN; without it the limit is what we get. */
export function setReceiveBuffer(fd: number, bytes: number): void {
  const value = Buffer.alloc(4);
  value.writeInt32LE(bytes);
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, value, 4) < 0)
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, value, 4);
}

/** A bound NETLINK_ROUTE socket, set up by `setUp`; closed again if that throws. The caller closes it. */
export function openNetlink(setUp: (fd: number) => void): number {
  const fd = check(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), 'Open', 'netlink socket');
  try {
    const address = Buffer.alloc(SOCKADDR_NL);
    address.writeUInt16LE(AF_NETLINK);
    check(bind(fd, address, SOCKADDR_NL), 'Bind', 'netlink socket');
    setUp(fd);
    return fd;
  } catch (error) {
    closeFd(fd);
    throw error;
  }
}

/** For requests: errors with the kernel's text, and dump filters that are obeyed or refused. */
export function openRoute(): number {
  return openNetlink((fd) => {
    setReceiveBuffer(fd, RECEIVE_BUFFER);
    setNetlinkOption(fd, NETLINK_CAP_ACK, 1, 'NETLINK_CAP_ACK');
    setNetlinkOption(fd, NETLINK_EXT_ACK, 1, 'NETLINK_EXT_ACK');
    setNetlinkOption(fd, NETLINK_GET_STRICT_CHK, 1, 'NETLINK_GET_STRICT_CHK');
  });
}

export function closeFd(fd: number): void {
  // Linux frees the number even when close reports an error, so there is nothing to do about one.
  close(fd);
}

export type Received = { kind: 'datagram'; datagram: Buffer } | { kind: 'empty' } | { kind: 'overrun' };

// Shared by all sockets: it is filled and copied within one synchronous call. Dumps come in pieces of
// at most 32 KiB; 256 KiB leaves room for single answers.
const buffer = Buffer.alloc(256 * 1024);
const sender = Buffer.alloc(SOCKADDR_NL);
const senderLength = Buffer.alloc(4);

/** One datagram of the kernel, or that there is none. Never waits. */
export function receive(fd: number): Received {
  for (;;) {
    senderLength.writeUInt32LE(SOCKADDR_NL);
    const flags = MSG_DONTWAIT | MSG_TRUNC;
    const length = Number(recvfrom(fd, buffer, BigInt(buffer.length), flags, sender, senderLength));
    if (length < 0) {
      const number = errno();
      if (number === EINTR) continue;
      if (number === EAGAIN) return { kind: 'empty' };
      if (number === ENOBUFS) return { kind: 'overrun' };
      throw new NetError('Receive from', 'netlink socket', number);
    }
    // A process with CAP_NET_ADMIN in a pod's namespace may write to our socket there; the kernel is 0.
    if (sender.readUInt32LE(4) !== 0) continue;
    if (length > buffer.length)
      throw new CodecError(`Datagram of ${length} bytes: at most ${buffer.length} fit`);
    return { kind: 'datagram', datagram: Buffer.from(buffer.subarray(0, length)) };
  }
}

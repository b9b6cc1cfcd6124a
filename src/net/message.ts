import { align, Attrs } from './attr.ts';
import { CodecError } from './error.ts';

/** struct nlmsghdr and the control messages every netlink family shares. */
const HEADER = 16;

export const NLMSG_NOOP = 1;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
export const NLMSG_OVERRUN = 4;

export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
export const NLM_F_ECHO = 0x8;
export const NLM_F_DUMP_INTR = 0x10;
export const NLM_F_CAPPED = 0x100;
export const NLM_F_ACK_TLVS = 0x200;
export const NLM_F_DUMP = 0x300;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_APPEND = 0x800;

/** What is asked: `op` and `object` are only for the error text. Sequence and ACK are the socket's. */
export interface Request {
  readonly op: string;
  readonly object: string;
  readonly type: number;
  readonly flags: number;
  readonly body: Buffer;
}

export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly seq: number;
  /** The netlink address it is for or from: 0 is the kernel. */
  readonly portid: number;
  readonly body: Buffer;
}

export function encodeMessage(message: Message): Buffer {
  const encoded = Buffer.alloc(align(HEADER + message.body.length));
  encoded.writeUInt32LE(HEADER + message.body.length, 0);
  encoded.writeUInt16LE(message.type, 4);
  encoded.writeUInt16LE(message.flags, 6);
  encoded.writeUInt32LE(message.seq, 8);
  encoded.writeUInt32LE(message.portid, 12);
  message.body.copy(encoded, HEADER);
  return encoded;
}

/** All messages of one datagram. The bodies are views of `datagram`. */
export function decodeMessages(datagram: Buffer): Message[] {
  const messages: Message[] = [];
  let offset = 0;
  while (offset < datagram.length) {
    const left = datagram.length - offset;
    const length = left < HEADER ? left : datagram.readUInt32LE(offset);
    if (length < HEADER || length > left)
      throw new CodecError(`Message at ${offset} claims ${length} of ${left} bytes`);
    messages.push({
      type: datagram.readUInt16LE(offset + 4),
      flags: datagram.readUInt16LE(offset + 6),
      seq: datagram.readUInt32LE(offset + 8),
      portid: datagram.readUInt32LE(offset + 12),
      body: datagram.subarray(offset + HEADER, offset + length),
    });
    offset += align(length);
  }
  return messages;
}

export interface Outcome {
  /** 0 is success. */
  readonly errno: number;
  readonly extack: string | null;
}

const NLMSGERR_ATTR_MSG = 1;

function outcomeOf(code: number, flags: number, tlvs: Buffer): Outcome {
  const extack = (flags & NLM_F_ACK_TLVS) !== 0 ? new Attrs(tlvs).string(NLMSGERR_ATTR_MSG) : null;
  return { errno: code < 0 ? -code : 0, extack };
}

/** NLMSG_ERROR, which is the acknowledgement too: { s32 error, nlmsghdr of the request [, its body] } + TLVs. */
export function decodeError(message: Message): Outcome {
  const { body, flags } = message;
  if (body.length < 4 + HEADER) throw new CodecError(`Error message has ${body.length} bytes, 20 expected`);
  const echoed = (flags & NLM_F_CAPPED) !== 0 ? HEADER : body.readUInt32LE(4);
  if (echoed > body.length - 4)
    throw new CodecError(`Error message echoes ${echoed} of ${body.length} bytes`);
  return outcomeOf(body.readInt32LE(0), flags, body.subarray(4 + align(echoed)));
}

/** NLMSG_DONE, the end of a dump: { s32 error } + TLVs. */
export function decodeDone(message: Message): Outcome {
  const { body, flags } = message;
  if (body.length < 4) return { errno: 0, extack: null };
  return outcomeOf(body.readInt32LE(0), flags, body.subarray(4));
}

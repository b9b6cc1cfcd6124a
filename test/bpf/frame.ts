/** An Ethernet frame without FCS; `type` is the EtherType, or the length of an 802.3 frame. */
export function ethernet(dst: string, src: string, type: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(14);
  macOf(dst).copy(header, 0);
  macOf(src).copy(header, 6);
  header.writeUInt16BE(type, 12);
  return Buffer.concat([header, payload]);
}

export const macOf = (text: string): Buffer => Buffer.from(text.replaceAll(':', ''), 'hex');

/** `length` bytes that differ from their neighbours, so that a shift shows. */
export const pattern = (length: number, seed = 0): Buffer =>
  Buffer.from(Array.from({ length }, (_, i) => (i * 31 + seed * 17 + 7) & 0xff));

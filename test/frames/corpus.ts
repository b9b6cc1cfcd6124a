import { ethernet, pattern } from '../bpf/frame.ts';

/** One frame that some forwarder somewhere loses, changes or keeps for itself. */
export interface Odd {
  name: string;
  frame: Buffer;
}

interface Macs {
  src: string;
  dst: string;
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const u16 = (value: number): Buffer => hex(value.toString(16).padStart(4, '0'));
/** TPID-first: what stands between source address and EtherType. */
const tag = (tci: number, type: number): Buffer => Buffer.concat([u16(tci), u16(type)]);

function sum(bytes: Buffer): number {
  let total = 0;
  for (let i = 0; i < bytes.length; i += 2) total += bytes.readUInt16BE(i);
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return ~total & 0xffff;
}

/** 10.0.0.1 to 10.0.0.2. `fragment` is flags and offset, `broken` spoils the header's checksum. */
export function ipv4(protocol: number, payload: Buffer, { fragment = 0, broken = false } = {}): Buffer {
  const header = hex('4500 0000 1234 0000 4000 0000 0a000001 0a000002');
  header.writeUInt16BE(20 + payload.length, 2);
  header.writeUInt16BE(fragment, 6);
  header[9] = protocol;
  header.writeUInt16BE(sum(header) ^ (broken ? 0x0101 : 0), 10);
  return Buffer.concat([header, payload]);
}

const udp = (payload: Buffer, checksum: number): Buffer =>
  Buffer.concat([hex('03e8 07d0'), u16(8 + payload.length), u16(checksum), payload]);
const tcp = (payload: Buffer): Buffer =>
  Buffer.concat([hex('03e8 07d0 00000001 00000000 5010 ffff bad1 0000'), payload]);
const ipv6 = (next: number, payload: Buffer, dst: string): Buffer =>
  Buffer.concat([
    hex('60000000'),
    u16(payload.length),
    hex(`${next.toString(16).padStart(2, '0')}ff fe80000000000000000000fffe000001 ${dst}`),
    payload,
  ]);

const BROADCAST = 'ff:ff:ff:ff:ff:ff';

/** The corpus for a link of that MTU, for frames from `src` to `dst`. No two frames are equal. */
export function corpus({ src, dst }: Macs, mtu: number): Odd[] {
  const group = (last: string): string => `01:80:c2:00:00:${last}`;
  let seed = 0;
  const data = (length: number): Buffer => pattern(length, ++seed);
  const to = (mac: string, type: number, payload: Buffer): Buffer => ethernet(mac, src, type, payload);
  const inner = (): Buffer => ipv4(17, udp(data(30), 0));
  const frames: [string, Buffer][] = [
    ['untagged IPv4', to(dst, 0x0800, inner())],
    ['802.1Q', to(dst, 0x8100, Buffer.concat([tag(0x0005, 0x0800), inner()]))],
    ['802.1Q with priority and drop bit', to(dst, 0x8100, Buffer.concat([tag(0xffff, 0x0800), inner()]))],
    ['802.1Q, VLAN 0', to(dst, 0x8100, Buffer.concat([tag(0x6000, 0x0800), inner()]))],
    ['802.1Q, broadcast', to(BROADCAST, 0x8100, Buffer.concat([tag(0x0007, 0x0806), data(46)]))],
    ['802.1ad', to(dst, 0x88a8, Buffer.concat([tag(0x0064, 0x0800), inner()]))],
    ['QinQ', to(dst, 0x88a8, Buffer.concat([tag(0x0064, 0x8100), tag(0x00c8, 0x0800), inner()]))],
    ['two 802.1Q', to(dst, 0x8100, Buffer.concat([tag(0x0064, 0x8100), tag(0x00c8, 0x0800), inner()]))],
    ['QinQ by 0x9100', to(dst, 0x9100, Buffer.concat([tag(0x0064, 0x8100), tag(0x00c8, 0x0800), inner()]))],
    [
      'ARP request',
      to(
        BROADCAST,
        0x0806,
        hex(`0001 0800 0604 0001 ${src.replaceAll(':', '')} 0a000001 000000000000 0a000002`),
      ),
    ],
    [
      'ARP reply',
      to(
        dst,
        0x0806,
        hex(`0001 0800 0604 0002 ${src.replaceAll(':', '')} 0a000001 ${dst.replaceAll(':', '')} 0a000002`),
      ),
    ],
    [
      'neighbour solicitation',
      to(
        '33:33:ff:00:00:02',
        0x86dd,
        ipv6(
          58,
          hex('8700 abcd 00000000 fe80000000000000000000fffe000002'),
          'ff0200000000000000000001ff000002',
        ),
      ),
    ],
    [
      'router advertisement',
      to(
        '33:33:00:00:00:01',
        0x86dd,
        ipv6(58, hex('8600 abcd 40000708 00000000 00000000'), 'ff020000000000000000000000000001'),
      ),
    ],
    ['STP', to(group('00'), 38, Buffer.concat([hex('424203'), data(35)]))],
    ['pause', to(group('01'), 0x8808, Buffer.concat([hex('0001 ffff'), data(42)]))],
    ['LACP', to(group('02'), 0x8809, Buffer.concat([hex('0101'), data(108)]))],
    ['EAPOL', to(group('03'), 0x888e, Buffer.concat([hex('0201 0000'), data(42)]))],
    ['LLDP', to(group('0e'), 0x88cc, Buffer.concat([hex('0207 04'), data(50)]))],
    ['LLDP, tagged', to(group('0e'), 0x8100, Buffer.concat([tag(0x0005, 0x88cc), data(50)]))],
    ['PTP', to('01:1b:19:00:00:00', 0x88f7, data(44))],
    ['PTP peer delay', to(group('0e'), 0x88f7, data(54))],
    ['MPLS', to(dst, 0x8847, Buffer.concat([hex('0001 01ff'), inner()]))],
    ['PPPoE discovery', to(BROADCAST, 0x8863, Buffer.concat([hex('1109 0000 0004 01010000'), data(36)]))],
    ['PPPoE session', to(dst, 0x8864, Buffer.concat([hex('1100 0001 003c 0021'), inner()]))],
    [
      'CDP (802.3 and SNAP)',
      to('01:00:0c:cc:cc:cc', 60, Buffer.concat([hex('aaaa03 00000c 2000'), data(52)])),
    ],
    ['IPX in raw 802.3', to(BROADCAST, 34, Buffer.concat([hex('ffff 0022'), data(30)]))],
    ['local experimental', to(dst, 0x88b5, data(100))],
    ['unknown EtherType', to(dst, 0xfeed, data(100))],
    ['first IPv4 fragment', to(dst, 0x0800, ipv4(17, data(24), { fragment: 0x2000 }))],
    ['last IPv4 fragment', to(dst, 0x0800, ipv4(17, data(24), { fragment: 0x00b9 }))],
    ['bad IPv4 checksum', to(dst, 0x0800, ipv4(17, udp(data(30), 0), { broken: true }))],
    ['bad UDP checksum', to(dst, 0x0800, ipv4(17, udp(data(30), 0xbad1)))],
    ['bad TCP checksum', to(dst, 0x0800, ipv4(6, tcp(data(30))))],
    ['IPv4 of version 0', to(dst, 0x0800, Buffer.concat([hex('05'), data(60)]))],
    ['IPv4 longer than its frame', to(dst, 0x0800, ipv4(17, data(100)).subarray(0, 60))],
    [
      'IPv6 cut short',
      to(dst, 0x86dd, ipv6(17, data(8), 'fe80000000000000000000fffe000002').subarray(0, 30)),
    ],
    ['header alone', to(dst, 0x88b6, Buffer.alloc(0))],
    ['header alone, broadcast', to(BROADCAST, 0x88b6, Buffer.alloc(0))],
    ['one byte of payload', to(dst, 0x88b6, data(1))],
    ['shortest tagged frame', to(dst, 0x8100, tag(0x0005, 0x88b6))],
    ['shortest frame on a wire', to(dst, 0x88b6, data(46))],
    ['IPv4 with trailing bytes', to(dst, 0x0800, Buffer.concat([ipv4(17, udp(data(4), 0)), data(14)]))],
    ['as long as the MTU', to(dst, 0x88b6, data(mtu))],
    ['as long as the MTU, broadcast', to(BROADCAST, 0x88b6, data(mtu))],
    ['as long as the MTU and tagged', to(dst, 0x8100, Buffer.concat([tag(0x0005, 0x88b6), data(mtu)]))],
    ['multicast source', ethernet(dst, '01:00:5e:00:00:01', 0x88b6, data(46))],
    ['broadcast source', ethernet(dst, BROADCAST, 0x88b6, data(46))],
    ['zero source', ethernet(dst, '00:00:00:00:00:00', 0x88b6, data(46))],
    ["a stranger's source", ethernet(dst, '02:99:99:99:99:99', 0x88b6, data(46))],
    ["the sender's own address as destination", ethernet(src, src, 0x88b6, data(46))],
    ["the receiver's address as source", ethernet(dst, dst, 0x88b6, data(46))],
    ["nobody's address", to('02:99:99:99:99:98', 0x88b6, data(46))],
    ['zero destination', to('00:00:00:00:00:00', 0x88b6, data(46))],
    ['IPv4 multicast', to('01:00:5e:00:00:fb', 0x0800, inner())],
  ];
  return frames.map(([name, frame]) => ({ name, frame }));
}

/** Last of all, so that whoever sees it has seen the others. */
export const sentinel = (src: string): Buffer =>
  ethernet(BROADCAST, src, 0x88b7, Buffer.from('the end'.padEnd(46)));

/**
 * TCP packets of `bytes`, which may stand for many: lines of `frames --vnet`, a virtio_net_hdr before each. As a pod's own
 * TCP hands them to its device: checksum left to the device, segments of 1448 and 1428 bytes.
 */
export function superFrames(
  { src, dst }: Macs,
  bytes: number,
): { name: string; line: string; segments: number }[] {
  const pseudo = (address: string, protocol: number, length: number): number =>
    ~sum(Buffer.concat([hex(address), u16(protocol), u16(length)])) & 0xffff;
  const segment = (length: number, checksum: number): Buffer =>
    Buffer.concat([
      hex('03e8 07d0 00000001 00000000 5010 ffff'),
      u16(checksum),
      hex('0000'),
      pattern(length),
    ]);
  // flags NEEDS_CSUM, gso_type, hdr_len, gso_size, csum_start, csum_offset; host order
  const header = (type: number, start: number, size: number): string => {
    const vnet = Buffer.alloc(10);
    vnet.writeUInt8(1, 0);
    vnet.writeUInt8(bytes > size ? type : 0, 1);
    vnet.writeUInt16LE(start + 20, 2);
    vnet.writeUInt16LE(bytes > size ? size : 0, 4);
    vnet.writeUInt16LE(start, 6);
    vnet.writeUInt16LE(16, 8);
    return vnet.toString('hex');
  };
  const v4 = ipv4(6, segment(bytes, pseudo('0a0000010a000002', 6, bytes + 20)));
  const address6 = 'fe80000000000000000000fffe000002';
  const v6 = ipv6(
    6,
    segment(bytes, pseudo(`fe80000000000000000000fffe000001${address6}`, 6, bytes + 20)),
    address6,
  );
  const line = (head: string, frame: Buffer): string => `${head}:${frame.toString('hex')}`;
  return [
    {
      name: 'TCP over IPv4',
      line: line(header(1, 34, 1448), ethernet(dst, src, 0x0800, v4)),
      segments: Math.ceil(bytes / 1448),
    },
    {
      name: 'TCP over IPv6',
      line: line(header(4, 54, 1428), ethernet(dst, src, 0x86dd, v6)),
      segments: Math.ceil(bytes / 1428),
    },
  ];
}

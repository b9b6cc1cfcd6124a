/** Frames a bridge would keep, change or drop; a wire delivers each byte for byte. */
interface OddFrame {
  name: string;
  /** Destination, or null for the far pod's own address. */
  to: string | null;
  /** From the EtherType on, in hex; filled up with a pattern to the smallest Ethernet frame. */
  body: string;
}

const kinds: readonly OddFrame[] = [
  { name: 'LLDP', to: '0180c200000e', body: '88cc0207040200000001' },
  { name: 'LACP', to: '0180c2000002', body: '88090101' },
  { name: 'STP', to: '0180c2000000', body: '002642420300' },
  { name: 'EAPOL', to: '0180c2000003', body: '888e01010000' },
  { name: 'PTP', to: '011b19000000', body: '88f70002002c' },
  { name: 'MPLS', to: null, body: '884700010140' },
  { name: 'PPPoE', to: null, body: '886411000001000 2c021'.replace(' ', '') },
  { name: '802.1Q', to: null, body: '8100006486dd' },
  { name: 'QinQ', to: null, body: '88a80065810000c80800' },
  { name: 'an EtherType nobody has', to: null, body: 'b0b0' },
  {
    name: 'a bad IPv4 checksum',
    to: null,
    body: '08004500002e00010000401 1dead0a0000010a000002'.replace(' ', ''),
  },
];

/** Lines for the frames tool, by name. */
export function oddFrames(from: string, to: string): { name: string; line: string }[] {
  const plain = (mac: string): string => mac.replaceAll(':', '');
  return kinds.map(({ name, to: group, body }, index) => {
    const head = `${group ?? plain(to)}${plain(from)}${body}`;
    const filler = Buffer.alloc(100 - head.length / 2, 0xa0 + index).toString('hex');
    return { name, line: head + filler };
  });
}

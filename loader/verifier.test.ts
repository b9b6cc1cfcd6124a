import { expect, test } from '@jest/globals';
import { findLog, summarise } from './verifier.ts';

const log = `reg type unsupported for arg#0 function rejected#24
0: R1=ctx(off=0,imm=0) R10=fp0
; __u8 *data = (void *)(long)xdp->data;
0: (61) r1 = *(u32 *)(r1 +0)          ; R1_w=pkt(off=0,r=0,imm=0)
; return data[100];
1: (71) r0 = *(u8 *)(r1 +100)
invalid access to packet, off=100 size=1, R1(id=0,off=100,r=0)
R1 offset is outside of the packet
processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
`;

test('the last meaningful lines are shown and the rest is counted', () => {
  expect(summarise(log)).toEqual({
    lines: [
      '1: (71) r0 = *(u8 *)(r1 +100)',
      'invalid access to packet, off=100 size=1, R1(id=0,off=100,r=0)',
      'R1 offset is outside of the packet',
    ],
    hidden: 6,
  });
});

test('a log of nothing but statistics shows nothing', () => {
  expect(summarise('processed 2 insns (limit 1000000)\n')).toEqual({ lines: [], hidden: 1 });
  expect(summarise('')).toEqual({ lines: [], hidden: 0 });
});

test('the log is found among what libbpf printed, with its program', () => {
  const messages = [
    "libbpf: prog 'rejected': BPF program load failed: Permission denied",
    `libbpf: prog 'rejected': -- BEGIN PROG LOAD LOG --\n${log}-- END PROG LOAD LOG --`,
    "libbpf: prog 'rejected': failed to load: -13",
    "libbpf: failed to load object 'sample'",
  ];
  expect(findLog(messages)).toEqual({ program: 'rejected', log: log.trimEnd() });
  expect(findLog(messages.slice(2))).toBeNull();
});

import type { Port } from './port.ts';

export const datapaths = ['tcx', 'clsact', 'xdp'] as const;
export type Datapath = (typeof datapaths)[number];

/** One hop that needs a datapath, and what is known where it runs. */
export interface Question {
  from: Port;
  to: Port;
  requested: Datapath | 'auto';
  acceptNoOffload: boolean;
  /** The kernel takes tcx links (6.6). */
  tcx: boolean;
}

interface Rule {
  when: (q: Question) => boolean;
  answer: Datapath | 'refused';
  reason: string;
  /** With `refused`: what would be allowed instead. */
  allowed?: string;
}

const veth = (q: Question): boolean => q.from.kind === 'veth' || q.to.kind === 'veth';

/** First match wins. Figures: docs/decisions/002, docs/bench. */
const rules: readonly Rule[] = [
  {
    when: (q) => q.requested === 'xdp' && veth(q) && !q.acceptNoOffload,
    answer: 'refused',
    reason:
      'XDP on a veth breaks TCP and UDP checksums, and loses VLAN tags, until transmit offload is switched off in both pods',
    allowed: 'auto, tcx, clsact, or xdp with --accept-no-offload',
  },
  {
    when: (q) => q.requested === 'xdp',
    answer: 'xdp',
    reason: 'asked for, without checksum and segmentation offload',
  },
  {
    when: (q) => q.requested === 'tcx' && !q.tcx,
    answer: 'refused',
    reason: 'this kernel has no tcx, which came with Linux 6.6',
    allowed: 'auto, clsact',
  },
  { when: (q) => q.requested === 'tcx', answer: 'tcx', reason: 'asked for' },
  { when: (q) => q.requested === 'clsact', answer: 'clsact', reason: 'asked for' },
  {
    when: (q) => q.from.made,
    answer: 'clsact',
    reason:
      'a device of ours has no other owner to be ordered with, and attaching does not wait for RCU as tcx does',
  },
  { when: (q) => q.tcx, answer: 'tcx', reason: 'others may own programs on this device and tcx orders them' },
  { when: () => true, answer: 'clsact', reason: 'this kernel has no tcx, which came with Linux 6.6' },
];

export type Answer =
  { datapath: Datapath; reason: string } | { datapath: 'refused'; reason: string; allowed: string };

export function chooseDatapath(question: Question): Answer {
  const rule = rules.find((r) => r.when(question));
  if (!rule) throw new Error('The last datapath rule matches everything');
  if (rule.answer === 'refused')
    return { datapath: 'refused', reason: rule.reason, allowed: rule.allowed ?? '' };
  return { datapath: rule.answer, reason: rule.reason };
}

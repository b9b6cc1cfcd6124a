import { struct, u32 } from '../../loader/struct.ts';

// <linux/bpf.h>, as far as a test-run lets a caller set them.

/** What a tc program sees of a packet besides its bytes. 192 bytes with every member of Linux 5.10. */
export const skb = struct('struct __sk_buff', 192, {
  ifindex: u32(40),
  gso_segs: u32(164),
  gso_size: u32(176),
});

/** `data` to `data_end` must cover the frame. */
export const xdpMd = struct('struct xdp_md', 24, {
  data: u32(0),
  data_end: u32(4),
  data_meta: u32(8),
  ingress_ifindex: u32(12),
  rx_queue_index: u32(16),
});

// <linux/pkt_cls.h>: TC_ACT_UNSPEC is -1.
export const Tc = { UNSPEC: 0xffffffff, OK: 0, SHOT: 2, REDIRECT: 7 } as const;

// <linux/bpf.h>: enum xdp_action
export const Xdp = { ABORTED: 0, DROP: 1, PASS: 2, TX: 3, REDIRECT: 4 } as const;

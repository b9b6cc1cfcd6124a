import { expect, test } from '@jest/globals';
import { featureIn, helperFeature } from './features.ts';

test.each([
  [131, { name: 'the helper bpf_ringbuf_reserve', since: '5.8' }],
  [155, { name: 'the helper bpf_redirect_peer', since: '5.10' }],
  [163, { name: 'the helper bpf_check_mtu', since: '5.12' }],
  [211, { name: 'BPF helper 211', since: '6.2' }],
  [212, { name: 'BPF helper 212', since: null }],
  [1, { name: 'BPF helper 1', since: null }],
])('helper %d', (number, feature) => {
  expect(helperFeature(number)).toEqual(feature);
});

test.each([
  [
    '5: (85) call unknown#155\ninvalid func unknown#155',
    { name: 'the helper bpf_redirect_peer', since: '5.10' },
  ],
  [
    "func 'kfree_skb' doesn't have 3-th argument",
    { name: "argument 3 of the tracepoint 'kfree_skb'", since: '5.17' },
  ],
  // The poison of a relocation that found nothing, and a helper that is there but not for this program.
  ['invalid func unknown#195896080', null],
  ['unknown func bpf_redirect_peer#155', null],
  ['R1 offset is outside of the packet', null],
])('%j', (text, feature) => {
  expect(featureIn(text)).toEqual(feature);
});

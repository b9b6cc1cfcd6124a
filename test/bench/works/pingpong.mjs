// Round trips of one small datagram at a time; both sides sleep while they wait, as programs do.
import { exchange } from '../traffic.mjs';

export default {
  works: [
    { work: 'pingpong-p50', unit: 'us' },
    { work: 'pingpong-p99', unit: 'us' },
  ],
  measure: async (ms) => {
    const { sent, cpu } = await exchange(['pingpong', 'echo'], ['pingpong', 'ask', '--ms', String(ms)]);
    if (sent.lost > 0) throw new Error(`${sent.lost} of ${sent.count + sent.lost} round trips were lost`);
    return [
      { value: sent.p50, cpu },
      { value: sent.p99, cpu },
    ];
  },
};

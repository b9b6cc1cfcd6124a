// Bulk TCP over 1 or several connections; what arrived counts.
import { resultOf } from '../process.mjs';
import { exchange } from '../traffic.mjs';

export const tcp = (connections) => ({
  works: [{ work: `tcp-${connections}`, unit: 'Gbit/s' }],
  measure: async (ms) => {
    const number = ['--connections', String(connections)];
    const { taken, cpu } = await exchange(
      ['tcp-stream', 'take', ...number],
      ['tcp-stream', 'give', ...number, '--ms', String(ms)],
      { untilEnd: true },
    );
    const { bytes, seconds } = resultOf(taken);
    return [{ value: (bytes * 8) / seconds / 1e9, cpu }];
  },
});

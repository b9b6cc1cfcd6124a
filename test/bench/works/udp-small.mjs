// Small datagrams as fast as one connected socket sends them; delivered ones count.
import { resultOf } from '../process.mjs';
import { exchange } from '../traffic.mjs';

export default {
  works: [
    { work: 'udp-small', unit: 'packets/s' },
    { work: 'udp-small-per-cpu-second', unit: 'packets per CPU-second of the sender' },
  ],
  measure: async (ms) => {
    const { sent, taken, cpu } = await exchange(['udp-sink'], ['udp-send', '--ms', String(ms)]);
    const { delivered } = resultOf(taken);
    return [
      { value: delivered / sent.seconds, cpu },
      { value: delivered / sent.cpu, cpu },
    ];
  },
};

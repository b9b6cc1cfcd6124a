// Small datagrams that are cut as late as possible, in the far socket: the sender hands 64 over at the price of
// one, so whoever receives is overloaded. Delivered ones count.
import { resultOf } from '../process.mjs';
import { exchange } from '../traffic.mjs';

const segment = '18';
const size = String(18 * 64);

export default {
  works: [{ work: 'udp-segment', unit: 'packets/s' }],
  measure: async (ms) => {
    const cut = ['--size', size, '--segment', segment, '--batch', '16'];
    const { sent, taken, cpu } = await exchange(['udp-sink'], ['udp-send', ...cut, '--ms', String(ms)]);
    return [{ value: resultOf(taken).delivered / sent.seconds, cpu }];
  },
};

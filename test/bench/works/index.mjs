// What is measured, in this order. A measurement may give several works at once.
import pingpong from './pingpong.mjs';
import { tcp } from './tcp.mjs';
import udpSmall from './udp-small.mjs';

export const measurements = [udpSmall, tcp(1), tcp(4), pingpong];

import { check } from '../../src/net/error.ts';
import { setns } from '../../src/net/libc.ts';
import { openNetns, openOwnNetns, withHandle } from '../../src/net/netns.ts';
import { warmPool } from '../../src/net/within.ts';

const CLONE_NEWNET = 0x40000000;

/**
 * Moves this test file into a pod, which becomes the node's own namespace: agents started from now on,
 * and every tool, live there, and its counters are nobody else's. Returns the way back.
 */
export function moveInto(pod: string): () => void {
  warmPool();
  const home = openOwnNetns();
  withHandle(openNetns({ kind: 'name', name: pod }), ({ fd }) => {
    check(setns(fd, CLONE_NEWNET), 'Enter namespace', pod);
  });
  return () => {
    check(setns(home.fd, CLONE_NEWNET), 'Return to namespace', 'home');
    home.close();
  };
}

// The traffic tools (test/traffic), started in the pods: asks from the left on the first CPU, answers in the
// right on the second.
import { fileURLToPath } from 'node:url';
import { measured } from './machine.mjs';
import { pods } from './pods.mjs';
import { resultOf, run, start } from './process.mjs';

export const bin = (name) => fileURLToPath(new URL(`../../dist/bin/${name}`, import.meta.url));
const ASKING_CPU = '0';
const ANSWERING_CPU = '1';

/**
 * Runs `receiver` in the right pod and `sender` in the left one. With `untilEnd` the receiver ends by
 * itself, else SIGTERM asks for its result. Returns both results and the busy CPUs while the sender ran.
 */
export async function exchange(receiver, sender, { untilEnd = false } = {}) {
  const [taker, ...takerArgs] = receiver;
  const [giver, ...giverArgs] = sender;
  const answering = start([bin(taker), ...takerArgs, '--cpu', ANSWERING_CPU], { netns: pods.right.netns });
  try {
    await answering.ready();
    const { result, cpu } = await measured(() =>
      run([bin(giver), ...giverArgs, '--to', pods.right.address, '--cpu', ASKING_CPU], pods.left.netns),
    );
    const text = untilEnd ? await answering.ended() : await answering.stop();
    return { sent: resultOf(result), taken: text, cpu };
  } finally {
    await answering.stop();
  }
}

/** Resolves when a datagram goes round; a path that does not come up in time is refused. */
export async function settle(subject, seconds = 10) {
  const echo = start([bin('pingpong'), 'echo', '--seconds', String(seconds + 5)], {
    netns: pods.right.netns,
  });
  try {
    await echo.ready();
    const end = Date.now() + seconds * 1000;
    for (;;) {
      const ask = ['ask', '--to', pods.right.address, '--count', '20', '--ms', '300'];
      const { count, lost } = resultOf(await run([bin('pingpong'), ...ask], pods.left.netns));
      if (count > 0 && lost === 0) return;
      if (Date.now() > end)
        throw new Error(`'${subject}' carried no datagram to and fro within ${seconds} s`);
    }
  } finally {
    await echo.stop();
  }
}

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { statSync } from 'node:fs';
import { namedNetns, type Namer } from '../../src/api/nsm/chain/named-netns.ts';
import { Sockets } from '../net/unix/sockets.ts';
import type { PythonPeer } from '../net/unix/peer.ts';
import { Pods } from '../pods.ts';

let sockets: Sockets;
let pods: Pods;
beforeEach(() => {
  sockets = new Sockets();
  pods = new Pods();
  sockets.listen();
});
afterEach(async () => {
  await sockets.close();
  pods.close();
});

/** A process in a pod, which is not the node's as far as anybody can tell, and who names a namespace for it. */
async function caller(): Promise<[PythonPeer, Namer]> {
  const [peer, stream] = await sockets.pythonPair('unshare', '--net', '--pid', '--fork', '--kill-child');
  stream.resume();
  return [peer, { peer: stream.peer, stream, trusted: false }];
}

/** Passes what `open` gives and names it. */
async function passing(peer: PythonPeer, open: string): Promise<string> {
  const [dev, inode] = (await peer.do(
    `f = ${open}; st = os.fstat(f); socket.send_fds(s, [b"x"], [f]); os.close(f); out = [st.st_dev, st.st_ino]`,
  )) as [number, number];
  return `inode://${dev}/${inode}`;
}

const named = (url: string, namer: Namer): ReturnType<typeof namedNetns> =>
  namedNetns(url, namer, 'inodeURL', AbortSignal.timeout(20_000));

test.each(['O_RDONLY', 'O_PATH'])('a namespace may be named by whoever passes it, %s', async (flag) => {
  const pod = pods.make('passed');
  const [peer, namer] = await caller();
  const { dev, ino } = statSync(`/run/netns/${pod}`);
  const url = await passing(peer, `os.open("/run/netns/${pod}", os.${flag})`);
  expect(url).toBe(`inode://${dev}/${ino}`);
  expect(await named(url, namer)).toEqual({ netns: `name:${pod}`, identity: { dev, inode: ino } });
});

test('one that is only named is refused', async () => {
  const pod = pods.make('other');
  const [, namer] = await caller();
  const { dev, ino } = statSync(`/run/netns/${pod}`);
  await expect(named(`inode://${dev}/${ino}`, namer)).rejects.toMatchObject({
    code: 'denied',
    message: expect.stringContaining('no descriptor of it came with the call'),
  });
});

test('what was passed and is no namespace is refused by that, whatever it is', async () => {
  const [peer, namer] = await caller();
  for (const open of [
    'os.memfd_create("m")',
    'os.open("/", os.O_PATH)',
    'os.pipe()[0]',
    'socket.socket().detach()',
  ]) {
    const url = await passing(peer, open);
    await expect(named(url, namer)).rejects.toMatchObject({
      code: 'invalid',
      message: `inodeURL is '${url}': the descriptor that came with the call is of no namespace`,
    });
  }
  const mounts = await passing(peer, 'os.open("/proc/self/ns/mnt", os.O_PATH)');
  await expect(named(mounts, namer)).rejects.toThrow(
    'it is a namespace of type 0x20000, not a network namespace',
  );
});

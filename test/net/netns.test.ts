import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { sameFile } from '../../src/file-identity.ts';
import {
  adoptNetns,
  NetnsError,
  openNetns,
  openOwnNetns,
  ownNetns,
  withHandle,
} from '../../src/net/netns.ts';
import { parseNetns, type NetnsRef } from '../../src/net/netns-ref.ts';
import { within, warmPool } from '../../src/net/within.ts';
import { setns } from '../../src/net/libc.ts';
import { eventually, Pods, run } from '../pods.ts';
import { netFds, netFdsSince } from './iproute.ts';

const O_PATH = 0o10000000;
const here = (): string => readlinkSync('/proc/thread-self/ns/net');

describe('namespaces', () => {
  const pods = new Pods();
  const pod = pods.make('netns');
  const other = pods.make('other');
  const ref: NetnsRef = { kind: 'name', name: pod };
  const home = here();
  let fds: string[];
  let folder = '';

  beforeAll(async () => {
    fds = netFds();
    folder = await mkdtemp(`${tmpdir()}/vwire-netns-`);
  });
  afterAll(async () => {
    pods.close();
    await rm(folder, { recursive: true });
    expect(netFdsSince(fds)).toEqual([]);
    expect(here()).toBe(home);
  });

  const refused = (value: string): NetnsError => {
    try {
      openNetns(parseNetns(value, 'left.netns'), 'left.netns').close();
    } catch (error) {
      expect(error).toBeInstanceOf(NetnsError);
      return error as NetnsError;
    }
    throw new Error(`'${value}' was opened`);
  };

  test('a namespace is the same by name, by path and by the pid of who is in it', async () => {
    const child = pods.spawn(pod, 'sleep', '60');
    const { ino } = statSync(`/run/netns/${pod}`);
    const { dev, inode } = withHandle(openNetns(ref), ({ dev, inode }) => ({ dev, inode }));
    expect(inode).toBe(ino);
    for (const text of [`path:/run/netns/${pod}`, pod])
      expect(withHandle<boolean>(openNetns(parseNetns(text)), (h) => sameFile(h, { dev, inode }))).toBe(true);
    // The child enters the namespace a moment after it has started.
    const pid = String(child.pid);
    await eventually(() => {
      expect(withHandle(openNetns(parseNetns(pid)), ({ inode }) => inode)).toBe(ino);
    });
    expect(sameFile(ownNetns(), { dev, inode })).toBe(false);
    expect(withHandle<boolean>(openOwnNetns(), (h) => sameFile(h, ownNetns()))).toBe(true);
    // Its pipes are sockets, which the count of descriptors would take for ours.
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
  });

  test('what is no network namespace is refused by what it is', () => {
    writeFileSync(`${folder}/file`, '');
    run('mkfifo', `${folder}/fifo`);
    expect(refused('nosuch')).toMatchObject({ problem: 'absent', field: 'left.netns', value: 'name:nosuch' });
    expect(refused('nosuch').message).toContain('there is no /run/netns/nosuch');
    expect(refused('pid:4194304').message).toContain('there is no process 4194304');
    expect(refused(`${folder}/file`)).toMatchObject({ problem: 'not-a-netns' });
    expect(refused(`${folder}/fifo`).message).toContain('is no namespace (file system 0x');
    expect(refused('path:/proc/self/ns/mnt').message).toContain('type 0x20000, not a network namespace');
    expect(refused('path:/proc/self/ns/net/x')).toMatchObject({ problem: 'absent' });
  });

  test('a passed fd is taken over, or closed if it is nothing of the kind', () => {
    const handle = adoptNetns(openSync(`/run/netns/${pod}`, 'r'));
    expect(within(handle, here)).not.toBe(home);
    handle.close();
    // As NSM's processes pass it.
    const path = openSync(`/run/netns/${pod}`, O_PATH);
    const reopened = adoptNetns(path);
    expect(sameFile(reopened, handle)).toBe(true);
    expect(within(reopened, here)).not.toBe(home);
    reopened.close();
    expect(() => {
      closeSync(path);
    }).toThrow('EBADF');
    const fd = openSync(folder, 'r');
    expect(() => adoptNetns(fd)).toThrow('it is no namespace');
    expect(() => {
      closeSync(fd);
    }).toThrow('EBADF');
  });

  test('a closed handle is refused by name, and closing twice is harmless', () => {
    const handle = openNetns(ref);
    handle.close();
    handle.close();
    expect(() => handle.fd).toThrow('the namespace is closed');
    expect(() => within(handle, here)).toThrow('the namespace is closed');
  });

  test('within runs there and comes back, nested too, whatever the function does', () => {
    const inner = within(ref, () => {
      const there = here();
      const deeper = within({ kind: 'name', name: other }, here);
      expect(here()).toBe(there);
      return [there, deeper];
    });
    expect(new Set([home, ...inner]).size).toBe(3);
    expect(() =>
      within(ref, () => {
        throw new Error('inside');
      }),
    ).toThrow('inside');
    expect(here()).toBe(home);
  });

  test('a promise is refused by the compiler and at run time', () => {
    // @ts-expect-error a promise would go on in the wrong namespace
    const asynchronous = (): unknown => within(ref, async () => Promise.reject(new Error('too late')));
    expect(asynchronous).toThrow('returned a promise');
    expect(here()).toBe(home);
  });

  test('every thread of the process stays at home', async () => {
    warmPool();
    within(ref, here);
    await Promise.all(Array.from({ length: 8 }, () => rm(`${folder}/nosuch`, { force: true })));
    const threads = readdirSync('/proc/self/task').map((task) =>
      readlinkSync(`/proc/self/task/${task}/ns/net`),
    );
    expect(new Set(threads)).toEqual(new Set([home]));
    expect(threads.length).toBeGreaterThan(4);
  });

  test('a barred way back aborts the process', () => {
    const safe = openOwnNetns();
    const abort = jest.spyOn(process, 'abort').mockImplementation(() => {
      throw new Error('aborted');
    });
    const before = new Set(netFds());
    try {
      expect(() => {
        within(ref, () => {
          // Of the fds within() has opened, the one that leads home.
          const homeFd = netFds().filter((entry) => !before.has(entry) && entry.endsWith(home));
          expect(homeFd).toHaveLength(1);
          closeSync(Number(homeFd[0]?.split(' ')[0]));
        });
      }).toThrow();
      expect(abort).toHaveBeenCalledTimes(1);
    } finally {
      setns(safe.fd, 0x40000000);
      safe.close();
      abort.mockRestore();
    }
    expect(here()).toBe(home);
  });

  test('nothing keeps a namespace that was borrowed', () => {
    const pod = pods.make('brief');
    expect(within({ kind: 'name', name: pod }, here)).not.toBe(home);
    pods.remove(pod);
    expect(refused(pod)).toMatchObject({ problem: 'absent' });
  });
});

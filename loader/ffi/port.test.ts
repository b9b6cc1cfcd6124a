import { afterAll, describe, expect, test } from '@jest/globals';
import { skipUnless } from '../../test/skip.ts';
import type { Ffi, Readiness, Watch } from './port.ts';
import { driverState } from './select.ts';
import { driver as koffi } from './koffi.ts';

const drivers: Ffi[] = [koffi];
const napi = await driverState('ffi-napi');
if (napi.ok) drivers.push((await import('./ffi-napi.ts')).driver);
else
  skipUnless(false, `its ${napi.missing} is missing: ${napi.message}`).test(
    'the FFI port by ffi-napi',
    () => undefined,
  );

describe.each(drivers)('the FFI port by $name', (ffi) => {
  const libc = ffi.open(null);
  const pipe = libc.fn('pipe2', 'i32', ['buf', 'i32']);
  const write = libc.fn('write', 'i64', ['i32', 'str', 'u64']);
  const read = libc.fn('read', 'i64', ['i32', 'buf', 'u64']);
  const close = libc.fn('close', 'i32', ['i32']);
  const fds: number[] = [];
  const makePipe = (): [number, number] => {
    const pair = Buffer.alloc(8);
    expect(pipe(pair, 0x80000)).toBe(0);
    const ends: [number, number] = [pair.readInt32LE(0), pair.readInt32LE(4)];
    fds.push(...ends);
    return ends;
  };
  afterAll(() => {
    for (const fd of fds) close(fd);
  });

  test('integers of every width keep their value and sign', () => {
    expect(libc.fn('abs', 'i32', ['i32'])(-7)).toBe(7);
    expect(libc.fn('llabs', 'i64', ['i64'])(-(2n ** 62n))).toBe(2n ** 62n);
    expect(libc.fn('htonl', 'u32', ['u32'])(0x01020304)).toBe(0x04030201);
    expect(libc.fn('llabs', 'u64', ['u64'])(2n ** 63n)).toBe(2n ** 63n);
    expect(libc.fn('htonl', 'u32', ['u32'])(0xff)).toBe(0xff000000);
  });

  test('strings go in and come out, null stays null', () => {
    expect(libc.fn('strlen', 'u64', ['str'])('vwire')).toBe(5n);
    expect(libc.fn('strerror', 'str', ['i32'])(2)).toBe('No such file or directory');
    expect(libc.fn('getenv', 'str', ['str'])('VWIRE_NO_SUCH_VARIABLE')).toBeNull();
  });

  test('buffers are read and written in place, null is NULL', () => {
    const target = Buffer.alloc(4);
    libc.fn('memcpy', 'ptr', ['buf', 'buf', 'u64'])(target, Buffer.from('wire'), 4n);
    expect(target.toString()).toBe('wire');
    expect(libc.fn('time', 'i64', ['buf'])(null)).toBeGreaterThan(0n);
  });

  test('errno is the one of the call before', () => {
    expect(close(-1)).toBe(-1);
    expect(ffi.errno()).toBe(9);
  });

  test('memory at an address is copied out', () => {
    const text = libc.fn('strdup', 'ptr', ['str'])('a wire');
    expect(ffi.read(text, 3).toString()).toBe('a w');
    expect(ffi.readString(text)).toBe('a wire');
    expect(ffi.read(text, 0)).toHaveLength(0);
    libc.fn('free', 'void', ['ptr'])(text);
  });

  test('a callback is called by C and may be released twice', () => {
    const seen: number[] = [];
    const compare = ffi.callback('i32', ['ptr', 'ptr'], (a, b) => {
      seen.push(1);
      return ffi.read(a, 1).readUInt8() - ffi.read(b, 1).readUInt8();
    });
    const bytes = Buffer.from('dbca');
    libc.fn('qsort', 'void', ['buf', 'u64', 'u64', 'ptr'])(bytes, 4n, 1n, compare.address);
    expect(bytes.toString()).toBe('abcd');
    expect(seen.length).toBeGreaterThan(2);
    compare.release();
    compare.release();
  });

  test('an async call runs off the main thread and leaves the event loop free', async () => {
    const [out, into] = makePipe();
    const buffer = Buffer.alloc(8);
    let ticks = 0;
    const ticker = setInterval(() => {
      ticks++;
      if (ticks === 3) write(into, 'x', 1n);
    }, 1);
    const count = await libc.async('read', 'i64', ['i32', 'buf', 'u64'])(out, buffer, 8n);
    clearInterval(ticker);
    expect(count).toBe(1n);
    expect(ticks).toBeGreaterThanOrEqual(3);
  });

  test('a watch calls back when its fd is readable, again while it stays so, and never after close', async () => {
    const [out, into] = makePipe();
    const buffer = Buffer.alloc(1);
    let calls = 0;
    let enough = (): void => undefined;
    const twice = new Promise<void>((resolve) => {
      enough = resolve;
    });
    write(into, 'ab', 2n);
    const watch = ffi.watch(out, () => {
      calls++;
      read(out, buffer, 1n);
      if (calls === 2) enough();
    });
    await twice;
    watch.close();
    watch.close();
    write(into, 'c', 1n);
    await new Promise((resolve) => setImmediate(resolve));
    expect(calls).toBe(2);
  });

  test('a watch calls back when its fd has failed, and again', async () => {
    const [out, into] = makePipe();
    close(out);
    fds.splice(fds.indexOf(out), 1);
    let calls = 0;
    const held: Watch[] = [];
    await new Promise<void>((resolve) => {
      const count = (): void => {
        calls++;
        if (calls < 3) return;
        held.pop()?.close();
        resolve();
      };
      held.push(ffi.watch(into, count));
    });
    expect(calls).toBe(3);
  });

  test('a watch tells what it is asked for: writable while there is room, readable once there is something', async () => {
    const pair = Buffer.alloc(8);
    expect(libc.fn('socketpair', 'i32', ['i32', 'i32', 'i32', 'buf'])(1, 0x80801, 0, pair)).toBe(0);
    const [mine, theirs] = [pair.readInt32LE(0), pair.readInt32LE(4)];
    fds.push(mine, theirs);
    const seen: Readiness[] = [];
    let heard = (): void => undefined;
    const next = async (): Promise<Readiness | undefined> => {
      await new Promise<void>((resolve) => {
        heard = resolve;
      });
      return seen.at(-1);
    };
    const both = { readable: true, writable: true };
    const neither = { readable: false, writable: false };
    const watch = ffi.watch(
      mine,
      (what) => {
        seen.push({ readable: what.readable, writable: what.writable });
        heard();
      },
      { readable: false, writable: true },
    );
    expect(await next()).toEqual({ readable: false, writable: true });
    write(theirs, 'a', 1n);
    watch.want(both);
    while (!(await next())?.readable);
    expect(seen.at(-1)).toEqual(both);

    watch.want(neither);
    const before = seen.length;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(seen.length).toBe(before);

    watch.want({ readable: true, writable: false });
    expect(await next()).toEqual({ readable: true, writable: false });
    watch.close();
    watch.want(both);
    watch.ref();
  });

  test('a watch that wants nothing does not hear its fd fail, and does once it wants again', async () => {
    const [out, into] = makePipe();
    let calls = 0;
    let heard = (): void => undefined;
    const failed = new Promise<void>((resolve) => {
      heard = resolve;
    });
    const watch = ffi.watch(
      into,
      () => {
        calls++;
        heard();
      },
      { readable: false, writable: false },
    );
    close(out);
    fds.splice(fds.indexOf(out), 1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(calls).toBe(0);
    watch.want({ readable: true, writable: false });
    await failed;
    watch.close();
  });

  test('a missing symbol is told apart before use and named when used', () => {
    expect(libc.has('no_such_symbol')).toBe(false);
    expect(libc.has('strlen')).toBe(true);
    expect(libc.fn('no_such_symbol', 'void', [])).toThrow(/no_such_symbol/);
  });

  test('a missing library is an error that names it', () => {
    expect(() => ffi.open('libnosuch.so.9')).toThrow(/libnosuch/);
  });
});

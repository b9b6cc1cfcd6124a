import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';
import { constants as os } from 'node:os';
import { NetError } from './error.ts';
import { InputError } from './input.ts';
import type { NetnsHandle } from './netns.ts';
import type { NetnsRef } from './netns-ref.ts';
import { within } from './within.ts';

/**
 * Files under /proc/sys/net. Which namespace such a file belongs to is settled when it is opened, by the
 * thread that opens it.
 */
export type Where = NetnsHandle | NetnsRef | null;

function file(path: string): string {
  const parts = path.split('/');
  if (
    parts[0] !== 'net' ||
    parts.length < 2 ||
    parts.some((part) => part === '' || part === '.' || part === '..')
  )
    throw new InputError('sysctl', path, "a path below 'net/', such as 'net/ipv6/conf/eth0/disable_ipv6'");
  return `/proc/sys/${path}`;
}

/** File errors as what they are everywhere else here. */
function named<T>(op: string, path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    const number = Object.entries(os.errno).find(([name]) => name === code)?.[1];
    if (error instanceof NetError || error instanceof InputError || number === undefined) throw error;
    throw new NetError(op, path, number);
  }
}

/** `where` null: the namespace of the calling thread. ENOENT where the kernel has no such setting (IPv6 off). */
export function getSysctl(where: Where, path: string): string {
  const name = file(path);
  const read = (): string => readFileSync(name, 'utf8').trimEnd();
  return named('Read sysctl', path, () => (where === null ? read() : within(where, read)));
}

export function setSysctl(where: Where, path: string, value: string): void {
  const name = file(path);
  const write = (): void => {
    // Without O_CREAT, to which /proc says EACCES where ENOENT is meant.
    const fd = openSync(name, constants.O_WRONLY);
    try {
      writeSync(fd, value);
    } finally {
      closeSync(fd);
    }
  };
  named('Set sysctl', path, () => {
    if (where === null) write();
    else within(where, write);
  });
}

/** The same where the kernel has the setting: one without a protocol has nothing of it to switch. */
export function setSysctlIfAny(where: Where, path: string, value: string): void {
  try {
    setSysctl(where, path, value);
  } catch (error) {
    if (!(error instanceof NetError) || (error.code !== 'ENOENT' && error.code !== 'ENOTDIR')) throw error;
  }
}

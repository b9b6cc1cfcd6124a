import { afterEach, expect, test } from '@jest/globals';
import { collecting, log, setLog } from './log.ts';
import type { BpfError } from './error.ts';
import { BpfObject } from './object.ts';

const openBroken = (): void => {
  expect(() => BpfObject.open({ bytes: Buffer.from('not ELF'), name: 'broken' })).toThrow('LIBBPF_FORMAT');
};

afterEach(() => {
  setLog(null);
});

test("libbpf's words arrive with their level, without its prefix", () => {
  const heard: [string, string][] = [];
  setLog((level, text) => heard.push([level, text]));
  openBroken();
  expect(heard).toEqual([['warn', "elf: 'broken' is not a proper ELF object"]]);
});

test('debug is heard only by those who ask for it', () => {
  const heard: string[] = [];
  setLog((level) => heard.push(level), 'debug');
  openBroken();
  expect(heard).toContain('debug');
  heard.length = 0;
  setLog((level) => heard.push(level), 'warn');
  log('info', 'unheard');
  log('warn', 'heard');
  expect(heard).toEqual(['warn']);
});

test('a sink that throws does not disturb the call it hears of', () => {
  setLog(() => {
    throw new Error('A full disk');
  });
  openBroken();
});

test('an error carries what libbpf said, whoever listens', () => {
  const { result, messages } = collecting(() => BpfObject.name);
  expect({ result, messages }).toEqual({ result: 'BpfObject', messages: [] });
  let said: string | null = null;
  try {
    BpfObject.open({ path: '/nowhere/x.o' });
  } catch (error) {
    said = (error as BpfError).log;
  }
  expect(said).toContain('/nowhere/x.o');
});

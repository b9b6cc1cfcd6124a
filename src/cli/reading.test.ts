import { describe, expect, test } from '@jest/globals';
import { vwire } from '../../test/fake/command-line.ts';
import { carrier, connectionStory, healing, plain, rich, story, up } from '../../test/fake/sample.ts';
import { Failure } from '../features/failure.ts';
import type { Sources } from './shell/sources.ts';

const sources: Partial<Sources> = {
  readWires: async () => [plain, carrier, rich],
  readConnections: async () => [up, healing],
  readStory: async (_place, name) => {
    if ('id' in name)
      return name.id === 9 ? { wire: carrier, connection: up } : { wire: rich, connection: null };
    return name.connection === 'c2' ? { wire: null, connection: healing } : { wire: carrier, connection: up };
  },
  explain: async (_place, name) => ('id' in name ? story : connectionStory),
};
const lines = [
  'ls',
  'wire ls',
  'inspect 7',
  'inspect 9',
  'inspect nsc-0',
  'inspect c2',
  'explain 7',
  'explain nsc-0',
];
const watched = { watched: true, colour: true };

describe('for a program', () => {
  test.each(lines)('%s --json', async (line) => {
    const { code, out, err } = await vwire(`${line} --json`, { sources });
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out.match(/\n/g)).toHaveLength(1);
    expect(JSON.parse(out)).toMatchSnapshot();
  });

  test.each(lines)('%s, piped', async (line) => {
    const { code, out } = await vwire(line, { sources });
    expect(code).toBe(0);
    expect(out).toMatchSnapshot();
  });

  test('the names of connections, one a line', async () => {
    expect((await vwire('ls --quiet', { sources })).out).toBe(
      'wire-7\nnsc-0\ncâble\\u{1b}[31m\\u{a}"1"\nc2\n',
    );
    expect((await vwire('wire ls --quiet', { sources })).out).toBe('wire-7\nc1\ncâble\\u{1b}[31m\\u{a}"1"\n');
  });

  test('no wires are a head without rows, and an empty list', async () => {
    const none = { readWires: async () => [], readConnections: async () => [] };
    expect((await vwire('ls', { sources: none })).out).toMatch(/^ID .* AGE\n$/);
    expect(JSON.parse((await vwire('ls --json', { sources: none })).out)).toMatchObject({ items: [] });
  });
});

describe('for a person', () => {
  test.each(lines)('%s, on a terminal', async (line) => {
    expect((await vwire(line, { sources, terminal: watched })).out).toMatchSnapshot();
  });

  test.each(lines)('%s, without colour, is the same text', async (line) => {
    const { out } = await vwire(line, { sources, terminal: { watched: true, colour: false } });
    const coloured = (await vwire(line, { sources, terminal: watched })).out;
    expect(coloured).not.toBe(out);
    expect(withoutColour(coloured)).toBe(out);
    expect(out).not.toContain('\u001b');
  });

  test('no wires are said in words', async () => {
    const none = { readWires: async () => [], readConnections: async () => [] };
    const said = async (line: string) => (await vwire(line, { sources: none, terminal: watched })).out;
    expect(await said('ls --instance two')).toBe("No connections and no wires in instance 'two'\n");
    expect(await said('wire ls --instance two')).toBe("No wires in instance 'two'\n");
  });
});

describe('what cannot be read', () => {
  const failing = (error: Error): Partial<Sources> => ({
    readWires: (): never => {
      throw error;
    },
  });

  test.each<[Error, number, string]>([
    [new Failure('not_found', 'No such instance'), 3, 'not_found'],
    [new Failure('unsupported', 'Root only'), 6, 'unsupported'],
    [Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' }), 6, 'unsupported'],
    [new Error('odd'), 1, 'failed'],
  ])('%s', async (error, exit, code) => {
    const { code: exited, out, err } = await vwire('ls --json', { sources: failing(error) });
    expect({ exited, out }).toEqual({ exited: exit, out: '' });
    expect(JSON.parse(err)).toMatchObject({ schema: 'vwire/v1', kind: 'Error', code });
  });

  test('a message with lines keeps them, and nothing a terminal would obey', async () => {
    const { err } = await vwire('ls', { sources: failing(new Failure('failed', 'a\u001b[2J\nb')) });
    expect(err).toBe('vwire: a\\u{1b}[2J\nb\n');
  });
});

const withoutColour = (text: string): string => text.replace(/\p{Cc}\[\d+m/gu, '');

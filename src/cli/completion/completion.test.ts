import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { skipUnless } from '../../../test/skip.ts';
import { vwire } from '../../../test/fake/command-line.ts';
import { quoted } from './model.ts';

const hasZsh = spawnSync('zsh', ['--version']).error === undefined;
let folder: string;
let bash: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vwire-completion-'));
  bash = join(folder, 'bash');
  writeFileSync(bash, (await vwire('completion bash')).out);
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** What bash offers at the end of a line; `vwire` itself lists the given names, if this is how it is asked. */
function offers(line: string, names: readonly string[] = [], asked = 'ls'): string[] {
  const script = `
    source ${quoted(bash)}
    compopt() { :; }
    vwire() { [[ $* == "${asked} --quiet --instance default" ]] && printf '%s\\n' ${names.map(quoted).join(' ')}; }
    COMP_LINE=${quoted(line)} COMP_POINT=${line.length}
    _vwire
    [[ \${#COMPREPLY[@]} -eq 0 ]] || printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['--norc', '-c', script], { encoding: 'utf8' })
    .split('\n')
    .filter((offer) => offer !== '');
}

describe('bash', () => {
  test('takes the script', () => {
    execFileSync('bash', ['-n', bash]);
  });

  test.each([
    ['vwire ', ['agent', 'ls', 'inspect', 'explain', 'watch', 'doctor', 'completion', 'wire']],
    ['vwire w', ['watch', 'wire']],
    ['vwire --instance w', []],
    ['vwire --instance two w', ['watch', 'wire']],
    ['vwire wire ', ['add', 'update', 'rm', 'ls']],
    ['vwire wire a', ['add']],
    ['vwire wire add --m', ['--mtu']],
    ['vwire wire add --datapath ', ['auto', 'tcx', 'clsact', 'xdp']],
    ['vwire wire add --datapath t', ['tcx']],
    ['vwire wire add --mtu 9000 --c', ['--connection']],
    ['vwire ls --j', ['--json']],
    ['vwire endpoint ', ['add', 'update', 'rm', 'ls']],
    ['vwire service put --f', ['--file']],
    ['vwire service put -f x --t', ['--timeout']],
    ['vwire request --payload ', ['ETHERNET', 'IP']],
    ['vwire top --sort d', ['dropped']],
    ['vwire log-level nsm=d', ['debug']],
    ['vwire completion ', ['bash', 'zsh']],
    ['vwire ls frob', []],
  ])('%s', (line, expected) => {
    expect(offers(line)).toEqual(expect.arrayContaining(expected));
    if (expected.length < 5) expect(offers(line)).toEqual(expected);
  });

  test('names of wires are offered as they are and never evaluated', () => {
    const proof = join(folder, 'proof');
    const names = ['plain', `$(touch ${proof})`, '`id`', 'a b', "it's"];
    const offered = offers('vwire inspect ', names);
    expect(offered).toHaveLength(names.length);
    const read = offered.map((word) =>
      execFileSync('bash', ['--norc', '-c', `printf %s ${word}`], { encoding: 'utf8' }),
    );
    expect(read).toEqual(names);
    expect(spawnSync('ls', [proof]).status).not.toBe(0);
  });

  test.each([
    ['vwire request ', 'service ls'],
    ['vwire request --endpoint ', 'endpoint ls'],
    ['vwire endpoint rm ', 'endpoint ls'],
    ['vwire endpoint add ', 'service ls'],
    ['vwire close ', 'ls'],
    ['vwire inspect ', 'ls'],
    ['vwire wire rm ', 'wire ls'],
  ])('%s asks vwire %s', (line, asked) => {
    expect(offers(line, ['one', 'two'], asked)).toEqual(['one', 'two']);
    expect(offers(line, ['one'], 'nothing')).toEqual([]);
  });

  test('a name with a colon is completed behind the colon, where readline breaks words', () => {
    expect(offers('vwire explain pod:a', ['pod:aa', 'pod:ab', 'pod:b'])).toEqual(['aa', 'ab']);
  });
});

skipUnless(hasZsh, 'zsh is not installed').test('zsh takes the script', async () => {
  const path = join(folder, 'zsh');
  writeFileSync(path, (await vwire('completion zsh')).out);
  execFileSync('zsh', ['-n', path]);
});

// top on a terminal of its own, which `script` makes.
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { eventually, Pods, run } from '../pods.ts';
import { type Vwire, startAgent, vwire } from './process.ts';

jest.setTimeout(60_000);

const main = fileURLToPath(new URL('../../dist/src/main.js', import.meta.url));
const pods = new Pods();
const [left, right] = [pods.make('left'), pods.make('right')];
const instance = '--instance top';
let agent: Vwire;
let terminals: ChildProcess[] = [];

interface Terminal {
  /** All that was sent to it. */
  shown(): string;
  /** Its last picture, a line each. */
  picture(): string[];
  type(keys: string): void;
  resize(columns: number): void;
  ended: Promise<number | null>;
}

function terminal(columns: number): Terminal {
  const tty = '/run/top.tty';
  rmSync(tty, { force: true });
  const top = `${process.execPath} ${main} top --interval 100ms ${instance}`;
  const child = spawn(
    'script',
    ['-qefc', `tty > ${tty}; stty rows 12 cols ${columns}; exec ${top}`, '/dev/null'],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  terminals.push(child);
  let shown = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (shown += text));
  const escape = String.fromCharCode(27);
  return {
    shown: () => shown,
    picture: () =>
      (shown.split(`${escape}[H`).at(-1) ?? '').replaceAll(/\p{Cc}\[[?\d;]*[A-Za-z]/gu, '').split(/\r*\n/),
    type: (keys) => void child.stdin.write(keys),
    resize: (to) => run('stty', '-F', readFileSync(tty, 'utf8').trim(), 'cols', String(to)),
    ended: new Promise((resolve) => child.once('close', resolve)),
  };
}

beforeAll(async () => {
  agent = await startAgent('top');
  const line = `wire add --left ${left},address=10.7.0.1/24 --right ${right},address=10.7.0.2/24 --connection one ${instance}`;
  expect(await vwire(line)).toMatchObject({ code: 0, err: '' });
});

afterEach(() => {
  for (const child of terminals) child.kill('SIGKILL');
  terminals = [];
});

afterAll(() => {
  agent.child.kill('SIGKILL');
  pods.close();
});

const taken = '\u001b[?1049h';
const given = '\u001b[?25h\u001b[?1049l';

test('rates are drawn in place, follow a new size, and q gives the terminal back', async () => {
  const pinging = pods.spawn(left, 'ping', '-i0.01', '10.7.0.2');
  const screen = terminal(100);
  await eventually(() => {
    const row = screen.picture().find((line) => line.includes(' one ')) ?? '';
    expect(row).toMatch(/^ +\d+ {2}one +- +[1-9]\d* /);
  });
  expect(screen.shown()).toContain(taken);
  expect(screen.picture()[0]).toContain('vwire top  instance top  1 wire');
  screen.resize(30);
  await eventually(() => {
    expect(screen.picture()).toContain('CONNECTION  BIT/S  DROP/S');
  });
  for (const line of screen.picture()) expect(line.length).toBeLessThanOrEqual(30);
  expect(screen.shown()).not.toContain(given);
  screen.type('q');
  expect(await screen.ended).toBe(0);
  expect(screen.shown().endsWith(given)).toBe(true);
  pinging.kill('SIGKILL');
});

test('Ctrl-C gives it back too, and is 130', async () => {
  const screen = terminal(100);
  await eventually(() => {
    expect(screen.shown()).toContain('DROP/S');
  });
  screen.type('\u0003');
  expect(await screen.ended).toBe(130);
  expect(screen.shown().endsWith(given)).toBe(true);
});

import { expect, test } from '@jest/globals';
import { runProgram, runSteps } from './step.mjs';

test('a program gives its output and whether it succeeded', async () => {
  const script = 'console.log("out"); console.error("err"); process.exitCode = Number(process.argv[1])';
  expect(await runProgram([process.execPath, '-e', script, '0'])).toEqual({ ok: true, output: 'out\nerr\n' });
  expect(await runProgram([process.execPath, '-e', script, '3'])).toMatchObject({ ok: false });
});

test('a missing program is reported in the words given', async () => {
  expect(await runProgram(['no-such-program'], 'install it')).toEqual({ ok: false, output: 'install it' });
});

test('a program ended by a signal has failed, and says so', async () => {
  const result = await runProgram([process.execPath, '-e', 'process.kill(process.pid, "SIGKILL")']);
  expect(result).toMatchObject({ ok: false, output: expect.stringMatching(/ended by SIGKILL/) });
});

test('every step runs once and is told with its time, failed, broken or not', async () => {
  const step = (name, ok) => ({ name, run: () => Promise.resolve({ ok, output: name }) });
  const told = [];
  const broken = { name: 'd', run: () => Promise.reject(new Error('no such file')) };
  const steps = [step('a', true), broken, step('b', false), step('c', true)];
  const results = await runSteps(steps, (r) => told.push(r.name));
  expect(told.sort()).toEqual(['a', 'b', 'c', 'd']);
  expect(
    results
      .filter(({ ok }) => !ok)
      .map(({ name, output }) => `${name}: ${output}`)
      .sort(),
  ).toEqual(['b: b', 'd: no such file']);
  expect(results.every(({ seconds }) => seconds >= 0)).toBe(true);
});

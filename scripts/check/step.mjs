// Runs steps side by side, as many as there are CPUs, and says how each went.
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { performance } from 'node:perf_hooks';
import { clearTimeout, setTimeout } from 'node:timers';

/** `{ ok, output }` of a program; stdin is closed, so that nothing can wait for an answer. */
export const runProgram = ([program, ...args], whenMissing) =>
  new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    // A step that hangs has failed. (spawn's own timeout outlives a program that is missing.)
    const limit = setTimeout(() => child.kill('SIGKILL'), 10 * 60_000);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text) => {
        output += text;
      });
    }
    const end = (result) => {
      clearTimeout(limit);
      resolve(result);
    };
    child.on('error', (error) =>
      end({ ok: false, output: error.code === 'ENOENT' ? whenMissing : `${program}: ${error.message}` }),
    );
    child.on('close', (code, signal) =>
      end({ ok: code === 0, output: signal ? `${output}\n${program} was ended by ${signal}` : output }),
    );
  });

/** A step that throws has failed like any other: the rest still runs and is told. */
async function outcome(run) {
  try {
    return await run();
  } catch (error) {
    return { ok: false, output: error.message };
  }
}

/** Takes `[{ name, run }]`, longest first; calls `told(result)` as each ends; gives all the results. */
export async function runSteps(steps, told) {
  const waiting = [...steps];
  const results = [];
  const worker = async () => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
      const from = performance.now();
      const result = {
        name: step.name,
        ...(await outcome(step.run)),
        seconds: (performance.now() - from) / 1000,
      };
      results.push(result);
      told(result);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return results;
}

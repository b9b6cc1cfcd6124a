// What doctor says of an agent's workload socket, and of the agent behind it.
import { chmodSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { type Vwire, startAgent, vwire } from './process.ts';

jest.setTimeout(60_000);

const instance = '--instance doctor';
const folder = '/run/vwire/doctor/workload';
const socket = `${folder}/agent.sock`;
let agent: Vwire;

interface Finding {
  name: string;
  status: string;
  detail: string;
  remedy: string | null;
}

async function findings(of: string, name: string): Promise<Finding[]> {
  const { out } = await vwire(`doctor ${of} --json`);
  const { items } = JSON.parse(out) as { items: Finding[] };
  return items.filter((finding) => finding.name === name);
}

beforeAll(async () => {
  agent = await startAgent('doctor');
});

afterEach(() => {
  chmodSync(folder, 0o755);
  rmSync(`${folder}/admin.sock`, { force: true });
});

afterAll(() => {
  agent.child.kill('SIGKILL');
});

test('a socket that everybody may use and an agent answers is as it should be', async () => {
  expect(await findings(instance, 'workload socket')).toEqual([
    { name: 'workload socket', status: 'ok', detail: `'${socket}' is answered`, remedy: null },
  ]);
});

test('whether the agent sees who asks', async () => {
  const machines = readlinkSync(`/proc/${agent.child.pid ?? 0}/ns/pid`) === 'pid:[4026531836]';
  expect(await findings(instance, 'agent')).toEqual([
    expect.objectContaining({
      status: machines ? 'ok' : 'warning',
      detail: expect.stringMatching(
        machines
          ? `^pid ${agent.child.pid ?? 0}, uid 0, in the pid namespace of the machine`
          : `^pid ${agent.child.pid ?? 0}, uid 0, in a pid namespace of its own: it cannot see`,
      ),
      remedy: machines ? null : 'Run it in the pid namespace of the machine (hostPID: true)',
    }),
  ]);
});

test('what keeps pods out of it, or shows them too much', async () => {
  chmodSync(socket, 0o600);
  chmodSync(folder, 0o700);
  writeFileSync(`${folder}/admin.sock`, '');
  const found = await findings(instance, 'workload socket');
  expect(found.map(({ status, detail }) => [status, detail])).toEqual([
    ['warning', `'${socket}' has mode 0600: not everybody may ask`],
    ['warning', `'${folder}' has mode 0700: users of pods cannot look into it`],
    ['warning', `'${folder}' also has admin.sock: pods that have it mounted see that too`],
    ['ok', `'${socket}' is answered`],
  ]);
  for (const { status, remedy } of found) expect(remedy !== null).toBe(status === 'warning');
  chmodSync(socket, 0o666);
});

test('a socket that a killed agent left, and none', async () => {
  agent.child.kill('SIGKILL');
  await agent.ended;
  expect(await findings(instance, 'workload socket')).toEqual([
    expect.objectContaining({
      status: 'warning',
      detail: `'${socket}' is answered by nobody: its agent died`,
    }),
  ]);
  expect(await findings(instance, 'agent')).toEqual([]);
  rmSync(socket);
  expect(await findings(instance, 'workload socket')).toEqual([
    expect.objectContaining({
      status: 'ok',
      detail: `no '${socket}': no agent runs, or it listens elsewhere`,
    }),
  ]);
});

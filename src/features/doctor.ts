import { join } from 'node:path';
import { inspectMachine, type Machine } from '../dataplane/machine.ts';
import { readConnectionRecords, readWireRecords } from '../state/view.ts';
import { workloadFindings } from './doctor-workloads.ts';
import { explainWire } from './wire/explain.ts';
import { type InstancePaths, openView } from './wire/read.ts';
import { Failure } from './failure.ts';
import { failure, type Finding, ok, warning } from './finding.ts';

function kernelFinding(machine: Machine): Finding {
  const [major = 0, minor = 0] = machine.kernel.split('.').map(Number);
  return major > 5 || (major === 5 && minor >= 10)
    ? ok('kernel', machine.kernel)
    : failure('kernel', `${machine.kernel} is too old`, 'Use Linux 5.10 or later');
}

function driverFinding(machine: Machine, name: 'koffi' | 'ffi-napi'): Finding {
  const state = machine.drivers[name];
  const title = `ffi ${name}`;
  if (state.ok) return ok(title, machine.ffi === name ? 'in use' : 'available');
  const how =
    state.missing === 'package'
      ? 'the package is not installed'
      : `its native part was not built: ${state.message}`;
  return ok(title, `${how}; it is optional, ${machine.ffi} is in use`);
}

/** One line per thing the machine needs or may have. */
const machineChecks: readonly ((machine: Machine, bpffs: string) => Finding)[] = [
  kernelFinding,
  (m) =>
    m.missingCapabilities.length === 0
      ? ok('privilege', 'every capability an agent needs')
      : failure(
          'privilege',
          `${m.missingCapabilities.join(', ')} missing`,
          'Run as root, or grant these capabilities',
        ),
  (m) =>
    m.btf
      ? ok('BTF', 'the kernel describes its types')
      : failure('BTF', '/sys/kernel/btf/vmlinux is missing', 'Use a kernel built with CONFIG_DEBUG_INFO_BTF'),
  (m, bpffs) =>
    m.bpffs
      ? ok('bpffs', bpffs)
      : failure('bpffs', `'${bpffs}' is no BPF file system`, `Mount one: mount -t bpf bpf ${bpffs}`),
  (m) => ok('libbpf', m.libbpf),
  (m) => driverFinding(m, 'koffi'),
  (m) => driverFinding(m, 'ffi-napi'),
  (m) =>
    m.missingObjects.length === 0
      ? ok('BPF objects', 'all built')
      : failure('BPF objects', `${m.missingObjects.join(', ')} missing`, 'Run npm run build'),
  (m) =>
    m.jit
      ? ok('BPF JIT', 'on')
      : warning('BPF JIT', 'off: programs are interpreted', 'sysctl net.core.bpf_jit_enable=1'),
  (m) => ok('tcx', m.tcx ? 'available' : 'missing before Linux 6.6: devices that are not ours take clsact'),
  (m) => ok('losses after a redirect', m.dropReasons ? 'observable' : 'not observable before Linux 5.17'),
];

async function* instanceFindings(paths: InstancePaths): AsyncGenerator<Finding> {
  try {
    openView(paths).close();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    yield error.code === 'not_found'
      ? ok(`instance ${paths.instance}`, 'never had an agent since boot')
      : failure(`instance ${paths.instance}`, error.message, 'Run as root');
    return;
  }
  const directory = join(paths.runDir, paths.instance);
  const { records, unreadable } = readWireRecords(directory);
  const connections = readConnectionRecords(directory);
  yield ok(
    `instance ${paths.instance}`,
    `${connections.records.length} connections and ${records.length} wires on record`,
  );
  yield* await workloadFindings(directory);
  for (const { file, problem } of [...unreadable, ...connections.unreadable])
    yield warning(
      'state file',
      `'${file}' cannot be read: ${problem}`,
      'Remove it, once what it speaks of is not missed',
    );
  for (const record of records) {
    const bad = explainWire(paths, { id: record.id }).steps.filter((step) => !step.ok);
    if (bad.length > 0)
      yield warning(
        `wire ${record.id}`,
        bad.map((step) => `${step.title}: ${step.detail}`).join('; '),
        `vwire explain ${record.id}`,
      );
  }
}

/** Looks at the machine, then at the instance and each of its wires. Changes nothing. */
export async function* doctor(paths: InstancePaths): AsyncGenerator<Finding> {
  const machine = await inspectMachine(paths.bpffs);
  for (const check of machineChecks) yield check(machine, paths.bpffs);
  if (machine.bpffs) yield* instanceFindings(paths);
}

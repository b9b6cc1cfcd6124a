import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { missingTcx } from '../../loader/features.ts';
import { driverState, ffi, type DriverState } from '../../loader/ffi/select.ts';
import { isBpffs } from '../../loader/pin.ts';
import { libbpfVersion } from '../../loader/version.ts';
import { kernelEnum } from '../../loader/btf.ts';
import { objectNames, readObject } from './objects.ts';

/** What this machine offers a dataplane. Looking changes nothing. */
export interface Machine {
  kernel: string;
  libbpf: string;
  ffi: string;
  drivers: Readonly<Record<'koffi' | 'ffi-napi', DriverState>>;
  btf: boolean;
  bpffs: boolean;
  tcx: boolean;
  /** The kernel says why it drops a packet (5.17). */
  dropReasons: boolean;
  jit: boolean;
  /** BPF objects that are not where the build puts them. */
  missingObjects: readonly string[];
  /** Names of the capabilities an agent needs and this process lacks. */
  missingCapabilities: readonly string[];
}

// <linux/capability.h>
const needed = { CAP_NET_ADMIN: 12, CAP_SYS_ADMIN: 21, CAP_PERFMON: 38, CAP_BPF: 39 } as const;

function missingCapabilities(): string[] {
  const line = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  const held = BigInt(`0x${line}`);
  return Object.entries(needed)
    .filter(([, bit]) => (held & (1n << BigInt(bit))) === 0n)
    .map(([name]) => name);
}

function missingObjects(): string[] {
  return objectNames.filter((name) => {
    try {
      readObject(name);
      return false;
    } catch {
      // Which one is missing is the answer; why, the build says.
      return true;
    }
  });
}

function jitEnabled(): boolean {
  try {
    return readFileSync('/proc/sys/net/core/bpf_jit_enable', 'utf8').trim() !== '0';
  } catch {
    // Readable by root only; a kernel without the file always compiles or never does.
    return true;
  }
}

export async function inspectMachine(bpffs: string): Promise<Machine> {
  const btf = existsSync('/sys/kernel/btf/vmlinux');
  return {
    kernel: release(),
    libbpf: libbpfVersion(),
    ffi: ffi.name,
    drivers: { koffi: await driverState('koffi'), 'ffi-napi': await driverState('ffi-napi') },
    btf,
    bpffs: existsSync(bpffs) && isBpffs(bpffs),
    tcx: missingTcx() === null,
    dropReasons: btf && kernelEnum('skb_drop_reason').size > 0,
    jit: jitEnabled(),
    missingObjects: missingObjects(),
    missingCapabilities: missingCapabilities(),
  };
}

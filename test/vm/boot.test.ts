import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statfsSync } from 'node:fs';
import { release } from 'node:os';
import { describe, expect, test } from '@jest/globals';
import { BpfObject } from '../../loader/object.ts';
import { skipUnless } from '../skip.ts';

// Without these two, somebody runs the project elsewhere than in a VM, and nothing here would be proven.
const { VWIRE_VM_KERNEL: kernel = 'named by test-vm.mjs', VWIRE_VM_NODE: node } = process.env;
const objects = 'dist/bpf';
const btf = '/sys/kernel/btf/vmlinux';
const bpffsMagic = 0xcafe4a11;

const run = (command: string, ...args: string[]): string =>
  execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

describe('the VM is what it claims', () => {
  test('it runs the kernel that was asked for', () => {
    expect(release().startsWith(`${kernel}.`)).toBe(true);
  });

  test("it runs the host's Node", () => {
    expect(process.version).toBe(node);
  });

  test('its kernel describes its types in BTF', () => {
    expect(readFileSync(btf).readUInt16LE(0)).toBe(0xeb9f);
  });

  test('bpffs is mounted', () => {
    expect(statfsSync('/sys/fs/bpf').type).toBe(bpffsMagic);
  });

  test('its root is an overlay and it has no network card', () => {
    expect(readFileSync('/proc/mounts', 'utf8')).toMatch(/^overlay \/ overlay rw/m);
    // Other tests of this VM make virtual devices; a card would have a device behind it.
    const names = readdirSync('/sys/class/net');
    expect(names).toContain('lo');
    expect(names.filter((name) => existsSync(`/sys/class/net/${name}/device`))).toEqual([]);
  });

  test('ip, tc and bpftool work, and the kernel loads the modules they need', () => {
    run('ip', 'netns', 'add', 'boot');
    run('ip', '-n', 'boot', 'link', 'add', 'left', 'type', 'veth', 'peer', 'name', 'right');
    run('tc', '-n', 'boot', 'qdisc', 'add', 'dev', 'left', 'clsact');
    expect(run('tc', '-n', 'boot', 'qdisc', 'show', 'dev', 'left')).toContain('clsact');
    run('ip', 'netns', 'del', 'boot');
    expect(run('bpftool', 'version')).toContain('bpftool v');
  });
});

// The only object that the oldest kernels refuse, and the agent then does without: it reads why a packet
// was dropped, and before 5.17 the kernel has no reasons.
const dropReasons = skipUnless(
  readFileSync(btf).includes('skb_drop_reason'),
  'drop reasons of packets need Linux 5.17',
);

describe('objects built on the host load', () => {
  for (const file of readdirSync(objects).filter((name) => name.endsWith('.bpf.o'))) {
    const { test: declare } = file === 'lost.bpf.o' ? dropReasons : { test };
    declare(file, () => {
      const object = BpfObject.open({ path: `${objects}/${file}` });
      try {
        object.load();
        expect(object.programNames).not.toEqual([]);
      } finally {
        object.close();
      }
    });
  }

  test('there are objects', () => {
    expect(readdirSync(objects)).toContain('tc_hop.bpf.o');
  });
});

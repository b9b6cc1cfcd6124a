import { afterAll, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { BpfMap } from '../../loader/map.ts';
import { BpfProgram } from '../../loader/program.ts';
import { BpfObject } from '../../loader/object.ts';
import { mapsOf, programsOf } from '../../loader/listing.ts';
import { failOnLeakedFds, openFds } from '../fds.ts';
import { compiled } from './compile.ts';
import { failure } from './failure.ts';

const opened: BpfObject[] = [];
const open = (name: string): BpfObject => {
  const object = BpfObject.open({ path: compiled(name) });
  opened.push(object);
  return object;
};
afterAll(() => {
  for (const object of opened) object.close();
});

// Unpinned, an object of the kernel lives by the descriptors on it; ids are no measure, as other
// processes of this machine load things too.
const heldInKernel = (): string[] => [...openFds().values()].filter((target) => target.includes('bpf'));

describe('opening', () => {
  test('tells maps and programs without asking the kernel', () => {
    const before = heldInKernel();
    const object = open('sample');
    expect(object.programNames).toEqual(
      expect.arrayContaining(['sample_tc', 'sample_tc_b', 'sample_xdp', 'sample_event', 'sample_tp']),
    );
    expect(object.mapNames).toEqual(['table', 'per_cpu', 'events', 'sample.rodata']);
    const table = object.map('table');
    expect({ type: table.type, key: table.keySize, value: table.valueSize, max: table.maxEntries }).toEqual({
      type: 'hash',
      key: 4,
      value: 8,
      max: 64,
    });
    expect(object.program('sample_tp').section).toBe('tp_btf/kfree_skb');
    expect(heldInKernel()).toEqual(before);
  });

  test('works from memory too', () => {
    const object = BpfObject.open({ bytes: readFileSync(compiled('sample')), name: 'in_memory' });
    expect(object.what).toBe("object 'in_memory'");
    object.load();
    object.close();
  });

  test('a missing file and a broken one are told apart', () => {
    expect(failure(() => BpfObject.open({ path: '/nowhere/x.bpf.o' }))).toMatchObject({
      op: 'Open',
      object: "object 'x.bpf.o'",
      code: 'ENOENT',
    });
    const broken = failure(() => BpfObject.open({ bytes: Buffer.from('not ELF'), name: 'broken' }));
    expect(broken.errno).not.toBeNull();
    expect(broken.message).toBe(
      "Open object 'broken': LIBBPF_FORMAT: elf: 'broken' is not a proper ELF object",
    );
  });

  test('an unknown name is refused with the names there are', () => {
    const object = open('sample');
    expect(failure(() => object.map('tabel')).message).toContain("it has 'table'");
    expect(failure(() => object.program('none')).message).toContain("'sample_tc'");
  });
});

describe('loading', () => {
  test('what was taken survives the object', () => {
    const object = open('sample');
    object.map('table').setMaxEntries(77);
    object.program('sample_tp').setAutoload(false);
    object.load();
    const table = object.takeMap('table');
    const program = object.takeProgram('sample_tc');
    const untaken = failure(() => object.takeProgram('sample_tp'));
    object.close();
    expect(untaken.message).toContain('it was not loaded');
    expect(table.info).toMatchObject({ name: 'table', type: 'hash', maxEntries: 77, transferSize: 8 });
    expect(program.info).toMatchObject({ name: 'sample_tc', type: 'sched_cls' });
    expect(program.info.tag).toMatch(/^[0-9a-f]{16}$/);
    expect(program.mapIds()).toContain(table.info.id);
    const { id } = program.info;
    expect(programsOf('sample_tc')).toContainEqual(program.info);
    expect(mapsOf('table')).toContainEqual(table.info);
    program.close();
    table.close();
    expect(BpfProgram.openId(id)).toBeNull();
  });

  test('constants are set by name before load and seen by the program', () => {
    const object = open('sample');
    const rodata = object.rodata();
    if (rodata === null) throw new Error('No rodata');
    rodata.set('verdict', 2);
    expect(
      failure(() => {
        rodata.set('narrow', 256);
      }).message,
    ).toContain('256 does not fit its 1 bytes');
    expect(
      failure(() => {
        rodata.set('absent', 1);
      }).message,
    ).toContain('there is no such variable');
    object.load();
    const program = object.takeProgram('sample_tc');
    expect(program.testRun({ data: Buffer.alloc(64) }).retval).toBe(2);
    program.close();
    expect(
      failure(() => {
        rodata.set('verdict', 1);
      }).code,
    ).toBe('ESTATE');
  });

  test('a map can be shared with another object, unless its shape differs', () => {
    const map = BpfMap.create({ type: 'hash', name: 'shared', keySize: 4, valueSize: 8, maxEntries: 9 });
    const narrow = BpfMap.create({ type: 'hash', name: 'narrow', keySize: 4, valueSize: 4, maxEntries: 9 });
    const object = open('sample');
    expect(
      failure(() => {
        object.map('table').reuse(narrow);
      }).message,
    ).toBe("Reuse map 'narrow': EARGUMENT: its value size is 4, map 'table' has 8");
    object.map('table').reuse(map);
    object.load();
    const program = object.takeProgram('sample_tc');
    program.testRun({ data: Buffer.alloc(64) });
    expect([...map.keys()]).toHaveLength(1);
    for (const handle of [map, narrow, program]) handle.close();
  });

  test('a verifier rejection shows its last lines, counts the rest, keeps the whole and leaves nothing', () => {
    const before = heldInKernel();
    const object = open('rejected');
    const error = failure(() => {
      object.load();
    });
    expect(error).toMatchObject({
      op: 'Load',
      object: "program 'rejected' of object 'rejected.bpf.o'",
      code: 'EACCES',
    });
    expect(error.message).toContain('invalid access to packet');
    const hidden = Number(/\((\d+) more lines of the verifier hidden\)/.exec(error.message)?.[1]);
    expect(hidden).toBeGreaterThan(0);
    expect(error.log?.split('\n').filter((l) => l !== '')).toHaveLength(hidden + 3);
    expect(object.isOpen).toBe(false);
    expect(heldInKernel()).toEqual(before);
    expect(
      failure(() => {
        object.load();
      }).message,
    ).toContain('it is closed since its load failed');
  });

  const missing = ['needs_helper', 'needs_tracepoint', 'needs_argument'];
  test.each([
    ['needs_helper', /^BPF helper 9999$/],
    ['needs_tracepoint', /^the tracepoint or function 'no_such_tracepoint'$/],
    // Linux 6.1 counts one too many.
    ['needs_argument', /^argument [56] of the tracepoint 'kfree_skb'$/],
  ])('%s: the error names the missing feature', (wanted, name) => {
    const object = open('missing');
    for (const program of missing) object.program(program).setAutoload(program === wanted);
    const error = failure(() => {
      object.load();
    });
    expect(error.feature).toEqual({ name: expect.stringMatching(name), since: null });
    expect(error.message).toContain(`this kernel lacks ${error.feature?.name ?? ''}`);
    expect(error.object).toContain(`'${wanted}'`);
  });

  test('a map type the kernel does not know is named', () => {
    const error = failure(() => {
      open('map_type').load();
    });
    expect(error.object).toContain("map 'from_the_future'");
    expect(error.feature).toEqual({ name: 'maps of type 250', since: null });
  });
});

failOnLeakedFds();

import { afterAll, describe, expect, test } from '@jest/globals';
import { BpfProgram } from '../../loader/program.ts';
import { programsOf } from '../../loader/listing.ts';
import { failOnLeakedFds } from '../fds.ts';
import { failure } from './failure.ts';
import { Sample } from './sample.ts';

const sample = new Sample({ verdict: 2 });
afterAll(() => {
  sample.close();
});

const frame = Buffer.from('ffffffffffff0200000000018899'.padEnd(128, '0'), 'hex');

describe('test run', () => {
  test('tells verdict and frame out', () => {
    const result = sample.program('sample_xdp').testRun({ data: frame });
    expect(result.retval).toBe(2);
    expect(result.dataOut[0]).toBe(frame.readUInt8(0) ^ 0xff);
    expect(result.dataOut.subarray(1)).toEqual(frame.subarray(1));
    expect(frame[0]).toBe(0xff);
  });

  test('takes a context in and gives it out', () => {
    // struct __sk_buff: mark at 8, priority at 32
    const ctx = Buffer.alloc(192);
    ctx.writeUInt32LE(4711, 8);
    const result = sample.program('sample_tc').testRun({ data: frame, ctx });
    expect(result.ctxOut.readUInt32LE(8)).toBe(4711);
    expect(result.ctxOut.readUInt32LE(32)).toBe(5);
    const key = Buffer.alloc(4);
    key.writeUInt32LE(4711);
    expect(sample.map('table').has(key)).toBe(true);
  });

  test('repeats and tells the mean', () => {
    const result = sample.program('sample_tc_b').testRun({ data: frame, repeat: 1000 });
    expect(result.durationNs).toBeLessThan(1_000_000);
  });

  test('a frame that is cut or too short is an error', () => {
    const xdp = sample.program('sample_xdp');
    expect(failure(() => xdp.testRun({ data: frame, dataOutSize: 8 })).message).toContain(
      'ENOSPC (no space left on device): 64 bytes came out, there was room for 8',
    );
    expect(failure(() => sample.program('sample_tc_b').testRun({ data: Buffer.alloc(4) })).code).toBe(
      'EINVAL',
    );
  });
});

test('info tells when and what, and an id leads back to it', () => {
  const program = sample.program('sample_tc');
  const { info } = program;
  expect(info).toMatchObject({ name: 'sample_tc', type: 'sched_cls' });
  expect(info.loadedAt).toBeGreaterThan(0n);
  expect(program.mapIds()).toEqual(
    expect.arrayContaining([sample.map('table').info.id, sample.map('per_cpu').info.id]),
  );
  expect(programsOf('sample_')).toContainEqual(info);
  const again = BpfProgram.openId(info.id);
  expect(again?.info).toEqual(info);
  again?.close();
  expect(BpfProgram.openId(0x7fffffff)).toBeNull();
});

failOnLeakedFds();

import { describe, expect, test } from '@jest/globals';
import { BpfError, check, refuse } from './error.ts';
import { errnoName, errnoText } from './errno.ts';

describe('errno', () => {
  test.each([
    [2, 'ENOENT'],
    [-2, 'ENOENT'],
    [11, 'EAGAIN'],
    [67, 'ENOLINK'],
    [95, 'EOPNOTSUPP'],
    [116, 'ESTALE'],
    [524, 'ENOTSUPP'],
    [4001, 'LIBBPF_FORMAT'],
    [4013, 'LIBBPF_NLPARSE'],
    [3999, 'errno 3999'],
  ])('%d is %s', (errno, name) => {
    expect(errnoName(errno)).toBe(name);
  });

  test('texts where there are any', () => {
    expect(errnoText(-2)).toBe('no such file or directory');
    expect(errnoText(3999)).toBeNull();
  });
});

describe('BpfError', () => {
  test('says operation, object, errno, what is missing and since when it is there', () => {
    const feature = { name: 'tcx', since: '6.6' };
    const error = new BpfError({
      op: 'Attach by tcx',
      object: "program 'x' at ifindex 4",
      errno: -22,
      feature,
    });
    expect(error.message).toBe(
      "Attach by tcx program 'x' at ifindex 4: EINVAL (invalid argument): this kernel lacks tcx, Linux 6.6 has it",
    );
    expect(error).toMatchObject({ errno: 22, code: 'EINVAL', feature, log: null, name: 'BpfError' });
  });

  test('a feature that no version decides about names none', () => {
    const feature = { name: "the tracepoint or function 'x'", since: null };
    expect(new BpfError({ op: 'Load', object: "program 'x'", errno: 3, feature }).message).toBe(
      "Load program 'x': ESRCH (no such process): this kernel lacks the tracepoint or function 'x'",
    );
  });

  test('check passes results on and throws negative ones', () => {
    expect(check(7, 'Do', 'it')).toBe(7);
    expect(() => check(-17, 'Pin', "map 'x'")).toThrow("Pin map 'x': EEXIST (file already exists)");
  });

  test('refuse needs no errno', () => {
    try {
      refuse('Use', "map 'x'", 'it is closed', 'ECLOSED');
    } catch (error) {
      expect(error).toMatchObject({
        message: "Use map 'x': ECLOSED: it is closed",
        errno: null,
        code: 'ECLOSED',
      });
      return;
    }
    throw new Error('It did not throw');
  });
});

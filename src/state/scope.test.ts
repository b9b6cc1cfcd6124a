import { describe, expect, test } from '@jest/globals';
import { Scope } from './scope.ts';

describe('Scope', () => {
  const tracked = (): { log: string[]; acquire: (name: string) => () => () => void } => {
    const log: string[] = [];
    return {
      log,
      acquire: (name) => () => {
        log.push(`+${name}`);
        return () => {
          log.push(`-${name}`);
        };
      },
    };
  };

  test('releases in reverse order of acquisition', async () => {
    const { log, acquire } = tracked();
    const scope = new Scope();
    await scope.hold('device', '1', acquire('device'));
    await scope.hold('entry', '1', acquire('entry'));
    await scope.close();
    expect(log).toEqual(['+device', '+entry', '-entry', '-device']);
  });

  test('the same fingerprint does nothing, another one releases first', async () => {
    const { log, acquire } = tracked();
    const scope = new Scope();
    await scope.hold('device', 'mtu 1500', acquire('a'));
    await scope.hold('device', 'mtu 1500', acquire('b'));
    await scope.hold('device', 'mtu 9000', acquire('c'));
    expect(log).toEqual(['+a', '-a', '+c']);
  });

  test('what has become another is released as what it is, and by nothing before', async () => {
    const { log, acquire } = tracked();
    const scope = new Scope();
    scope.refit('device', 'mtu 9000');
    await scope.hold('device', 'mtu 1500', acquire('a'));
    scope.refit('device', 'mtu 9000');
    await scope.hold('device', 'mtu 9000', acquire('b'));
    expect(log).toEqual(['+a']);
    await scope.close();
    expect(log).toEqual(['+a', '-a']);
  });

  test('a failed acquisition holds nothing', async () => {
    const scope = new Scope();
    await expect(scope.hold('device', '1', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(scope.has('device')).toBe(false);
  });

  test('a failed release does not stop the others and is told with its name', async () => {
    const { log, acquire } = tracked();
    const scope = new Scope();
    await scope.hold('first', '1', acquire('first'));
    await scope.hold('second', '1', () => () => {
      throw new Error('stuck');
    });
    await expect(scope.close()).rejects.toThrow('Release second: Error: stuck');
    expect(log).toEqual(['+first', '-first']);
  });

  test('what could not be released is tried again by the next close, in the same order', async () => {
    const { log, acquire } = tracked();
    const scope = new Scope();
    let stuck = true;
    const stubborn = (name: string) => () => () => {
      if (stuck) throw new Error(`${name} is stuck`);
      log.push(`-${name}`);
    };
    await scope.hold('first', '1', stubborn('first'));
    await scope.hold('second', '1', acquire('second'));
    await scope.hold('third', '1', stubborn('third'));
    await expect(scope.close()).rejects.toThrow(
      'Release third: Error: third is stuck; Error: Release first: Error: first is stuck',
    );
    stuck = false;
    await scope.close();
    expect(log).toEqual(['+second', '-second', '-third', '-first']);
  });

  test('the record of what is held stays while anything of it does', async () => {
    const { log, acquire } = tracked();
    const scope = new Scope();
    let stuck = true;
    await scope.hold('record', '', acquire('record'));
    await scope.hold('device', '', () => () => {
      if (stuck) throw new Error('busy');
    });
    await expect(scope.close()).rejects.toThrow('Release device: Error: busy');
    expect(scope.has('record')).toBe(true);
    stuck = false;
    await scope.close();
    expect(log).toEqual(['+record', '-record']);
  });

  test('one can be released before the others, once', async () => {
    const { log, acquire } = tracked();
    const scope = new Scope();
    await scope.hold('device', '1', acquire('device'));
    await scope.hold('entry', '2', acquire('entry'));
    expect(scope.fingerprint('device')).toBe('1');
    await scope.release('device');
    await scope.release('device');
    expect(scope.fingerprint('device')).toBe(null);
    await scope.close();
    expect(log).toEqual(['+device', '+entry', '-device', '-entry']);
  });

  test('closing twice releases once', async () => {
    const { log, acquire } = tracked();
    const scope = new Scope();
    await scope.hold('a', '1', acquire('a'));
    await scope.close();
    await scope.close();
    expect(log).toEqual(['+a', '-a']);
  });
});

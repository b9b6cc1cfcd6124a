import { afterAll, expect } from '@jest/globals';
import { BpfMap } from '../../loader/map.ts';
import { BpfObject } from '../../loader/object.ts';
import { ObjectMap } from '../../loader/object-map.ts';
import { ObjectProgram } from '../../loader/object-program.ts';
import { Rodata } from '../../loader/rodata.ts';
import { failOnLeakedFds } from '../fds.ts';
import { compiled } from './compile.ts';
import { closed, holds, outcome } from './matrix.ts';

const undo: (() => void)[] = [];
const closing = <T extends { close(): void }>(handle: T): T => {
  undo.push(() => {
    handle.close();
  });
  return handle;
};
afterAll(() => {
  for (const step of undo.reverse()) step();
});

const map = closing(BpfMap.create({ type: 'hash', name: 'states', keySize: 4, valueSize: 8, maxEntries: 4 }));
const object = (name = 'sample'): BpfObject => closing(BpfObject.open({ path: compiled(name) }));
const loaded = (): BpfObject => {
  const handle = object();
  handle.load();
  return handle;
};

holds<BpfObject>({
  of: BpfObject,
  states: {
    open: object,
    loaded,
    closed: () => closed(loaded()),
    refused: () => {
      const handle = object('rejected');
      expect(
        outcome(() => {
          handle.load();
        }),
      ).toBe('EACCES');
      return handle;
    },
  },
  methods: {
    isOpen: [(o) => o.isOpen, 'ok', 'ok', 'ok', 'ok'],
    mapNames: [(o) => o.mapNames, 'ok', 'ok', 'ok', 'ok'],
    programNames: [(o) => o.programNames, 'ok', 'ok', 'ok', 'ok'],
    map: [(o) => o.map('table'), 'ok', 'ok', 'ECLOSED', 'ECLOSED'],
    program: [(o) => o.program('sample_tc'), 'ok', 'ok', 'ECLOSED', 'ECLOSED'],
    rodata: [(o) => o.rodata(), 'ok', 'ok', 'ECLOSED', 'ECLOSED'],
    load: [
      (o) => {
        o.load();
      },
      'ok',
      'ESTATE',
      'ECLOSED',
      'ECLOSED',
    ],
    takeMap: [(o) => closing(o.takeMap('table')), 'ESTATE', 'ok', 'ECLOSED', 'ECLOSED'],
    takeProgram: [(o) => closing(o.takeProgram('sample_tc')), 'ESTATE', 'ok', 'ECLOSED', 'ECLOSED'],
    close: [
      (o) => {
        o.close();
      },
      'ok',
      'ok',
      'ok',
      'ok',
    ],
  },
});

/** A part of an object, in the object's states. */
function parts<P>(part: (of: BpfObject) => P): Record<'open' | 'loaded' | 'closed', () => P> {
  return {
    open: () => part(object()),
    loaded: () => part(loaded()),
    closed: () => {
      const whole = object();
      const found = part(whole);
      whole.close();
      return found;
    },
  };
}

holds<ObjectMap>({
  of: ObjectMap,
  states: parts((o) => o.map('table')),
  methods: {
    type: [(m) => m.type, 'ok', 'ok', 'ECLOSED'],
    keySize: [(m) => m.keySize, 'ok', 'ok', 'ECLOSED'],
    valueSize: [(m) => m.valueSize, 'ok', 'ok', 'ECLOSED'],
    maxEntries: [(m) => m.maxEntries, 'ok', 'ok', 'ECLOSED'],
    flags: [(m) => m.flags, 'ok', 'ok', 'ECLOSED'],
    isInternal: [(m) => m.isInternal, 'ok', 'ok', 'ECLOSED'],
    setMaxEntries: [
      (m) => {
        m.setMaxEntries(8);
      },
      'ok',
      'ESTATE',
      'ECLOSED',
    ],
    setAutocreate: [
      (m) => {
        m.setAutocreate(true);
      },
      'ok',
      'ESTATE',
      'ECLOSED',
    ],
    reuse: [
      (m) => {
        m.reuse(map);
      },
      'ok',
      'ESTATE',
      'ECLOSED',
    ],
    take: [(m) => closing(m.take()), 'ESTATE', 'ok', 'ECLOSED'],
  },
});

holds<ObjectProgram>({
  of: ObjectProgram,
  states: parts((o) => o.program('sample_tc')),
  methods: {
    type: [(p) => p.type, 'ok', 'ok', 'ECLOSED'],
    section: [(p) => p.section, 'ok', 'ok', 'ECLOSED'],
    autoload: [(p) => p.autoload, 'ok', 'ok', 'ECLOSED'],
    setAutoload: [
      (p) => {
        p.setAutoload(true);
      },
      'ok',
      'ESTATE',
      'ECLOSED',
    ],
    take: [(p) => closing(p.take()), 'ESTATE', 'ok', 'ECLOSED'],
  },
});

const rodata = (o: BpfObject): Rodata => {
  const found = o.rodata();
  if (!found) throw new Error('No rodata');
  return found;
};

const measured = object();
const rodataSize = rodata(measured).read().length;

holds<Rodata>({
  of: Rodata,
  states: parts(rodata),
  methods: {
    read: [(r) => r.read(), 'ok', 'ESTATE', 'ECLOSED'],
    write: [
      (r) => {
        r.write(Buffer.alloc(rodataSize));
      },
      'ok',
      'ESTATE',
      'ECLOSED',
    ],
    set: [
      (r) => {
        r.set('verdict', 1);
      },
      'ok',
      'ESTATE',
      'ECLOSED',
    ],
  },
});

failOnLeakedFds();

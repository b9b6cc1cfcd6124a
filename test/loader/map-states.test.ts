import { afterAll } from '@jest/globals';
import { BpfMap } from '../../loader/map.ts';
import { listPins, makePinDirectory, unpin } from '../../loader/pin.ts';
import { BpfProgram } from '../../loader/program.ts';
import { RingBuffer } from '../../loader/ringbuf.ts';
import { failOnLeakedFds } from '../fds.ts';
import { closed, holds } from './matrix.ts';
import { Sample } from './sample.ts';

const pins = '/sys/fs/bpf/loader_map_states';
makePinDirectory(pins);
let pin = 0;
const pinPath = (): string => `${pins}/p${pin++}`;
const sample = new Sample();
const undo: (() => void)[] = [];
const closing = <T extends { close(): void }>(handle: T): T => {
  undo.push(() => {
    handle.close();
  });
  return handle;
};
afterAll(() => {
  for (const step of undo.reverse()) step();
  for (const { path } of listPins(pins)) unpin(path);
  sample.close();
});

const key = Buffer.alloc(4);
const value = Buffer.alloc(8);
const map = (): BpfMap =>
  closing(BpfMap.create({ type: 'hash', name: 'states', keySize: 4, valueSize: 8, maxEntries: 4 }));
holds<BpfMap>({
  of: BpfMap,
  states: {
    open: map,
    closed: () => closed(map()),
    readOnly: () => {
      const path = pinPath();
      map().pin(path);
      return closing(BpfMap.openPinned(path, { readOnly: true }));
    },
  },
  methods: {
    fd: [(m) => m.fd, 'ok', 'ECLOSED', 'ok'],
    isOpen: [(m) => m.isOpen, 'ok', 'ok', 'ok'],
    what: [(m) => m.what, 'ok', 'ok', 'ok'],
    get: [(m) => m.get(key), 'ok', 'ECLOSED', 'ok'],
    has: [(m) => m.has(key), 'ok', 'ECLOSED', 'ok'],
    set: [
      (m) => {
        m.set(key, value);
      },
      'ok',
      'ECLOSED',
      'EPERM',
    ],
    tryAdd: [(m) => m.tryAdd(key, value), 'ok', 'ECLOSED', 'EPERM'],
    tryDelete: [(m) => m.tryDelete(key), 'ok', 'ECLOSED', 'EPERM'],
    entries: [(m) => [...m.entries()], 'ok', 'ECLOSED', 'ok'],
    keys: [(m) => [...m.keys()], 'ok', 'ECLOSED', 'ok'],
    setAll: [
      (m) => {
        m.setAll([[key, value]]);
      },
      'ok',
      'ECLOSED',
      'EPERM',
    ],
    deleteAll: [(m) => m.deleteAll([key]), 'ok', 'ECLOSED', 'EPERM'],
    pin: [
      (m) => {
        m.pin(pinPath());
      },
      'ok',
      'ECLOSED',
      'ok',
    ],
    close: [
      (m) => {
        m.close();
      },
      'ok',
      'ok',
      'ok',
    ],
  },
});

const program = (): BpfProgram => sample.program('sample_tc');

holds<BpfProgram>({
  of: BpfProgram,
  states: { open: program, closed: () => closed(program()) },
  methods: {
    fd: [(p) => p.fd, 'ok', 'ECLOSED'],
    isOpen: [(p) => p.isOpen, 'ok', 'ok'],
    what: [(p) => p.what, 'ok', 'ok'],
    mapIds: [(p) => p.mapIds(), 'ok', 'ECLOSED'],
    testRun: [(p) => p.testRun({ data: Buffer.alloc(64) }), 'ok', 'ECLOSED'],
    pin: [
      (p) => {
        p.pin(pinPath());
      },
      'ok',
      'ECLOSED',
    ],
    close: [
      (p) => {
        p.close();
      },
      'ok',
      'ok',
    ],
  },
});

const ring = (): RingBuffer => closing(new RingBuffer(sample.map('events'), () => undefined));

holds<RingBuffer>({
  of: RingBuffer,
  states: {
    open: ring,
    closed: () => closed(ring()),
    mapClosed: () => {
      const events = sample.map('events');
      const handle = closing(new RingBuffer(events, () => undefined));
      events.close();
      return handle;
    },
  },
  methods: {
    isOpen: [(r) => r.isOpen, 'ok', 'ok', 'ok'],
    dropped: [(r) => r.dropped, 'ok', 'ok', 'ok'],
    consume: [
      (r) => {
        r.consume();
      },
      'ok',
      'ECLOSED',
      'ok',
    ],
    unref: [
      (r) => {
        r.unref();
      },
      'ok',
      'ok',
      'ok',
    ],
    close: [
      (r) => {
        r.close();
      },
      'ok',
      'ok',
      'ok',
    ],
  },
});

failOnLeakedFds();

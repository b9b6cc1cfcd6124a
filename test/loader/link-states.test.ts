import { afterAll } from '@jest/globals';
import { BpfLink } from '../../loader/link/link.ts';
import { attachXdp } from '../../loader/link/xdp.ts';
import { listPins, makePinDirectory, unpin } from '../../loader/pin.ts';
import { failOnLeakedFds } from '../fds.ts';
import { makeDevice, removeDevices } from './device.ts';
import { closed, holds } from './matrix.ts';
import { Sample } from './sample.ts';
import { until } from './until.ts';

const pins = '/sys/fs/bpf/loader_link_states';
makePinDirectory(pins);
let pin = 0;
const pinPath = (): string => `${pins}/p${pin++}`;
const sample = new Sample();
// XDP, since every kernel we run on has links for it.
const program = sample.program('sample_xdp');

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
  removeDevices();
  sample.close();
});

const link = (): BpfLink => closing(attachXdp(program, makeDevice().ifindex, 'generic').link);

holds<BpfLink>({
  of: BpfLink,
  states: {
    open: link,
    closed: () => closed(link()),
    detached: () => {
      const handle = link();
      handle.detach();
      return handle;
    },
    deviceGone: async () => {
      const device = makeDevice();
      const handle = closing(attachXdp(program, device.ifindex, 'generic').link);
      device.remove();
      await until(() => handle.info.ifindex === 0);
      return handle;
    },
  },
  methods: {
    fd: [(l) => l.fd, 'ok', 'ECLOSED', 'ok', 'ok'],
    isOpen: [(l) => l.isOpen, 'ok', 'ok', 'ok', 'ok'],
    what: [(l) => l.what, 'ok', 'ok', 'ok', 'ok'],
    info: [(l) => l.info, 'ok', 'ECLOSED', 'ok', 'ok'],
    update: [
      (l) => {
        l.update(sample.program('sample_xdp_b'));
      },
      'ok',
      'ECLOSED',
      'ENOLINK',
      'ENOLINK',
    ],
    detach: [
      (l) => {
        l.detach();
      },
      'ok',
      'ECLOSED',
      'ok',
      'ok',
    ],
    pin: [
      (l) => {
        l.pin(pinPath());
      },
      'ok',
      'ECLOSED',
      'ok',
      'ok',
    ],
    close: [
      (l) => {
        l.close();
      },
      'ok',
      'ok',
      'ok',
      'ok',
    ],
  },
});

failOnLeakedFds();

import * as libbpf from '../libbpf.ts';
import { BpfError, check } from '../error.ts';
import { ENOENT } from '../errno.ts';
import { Fd } from '../fd.ts';
import { linkInfo, type LinkInfo } from '../info.ts';
import { openPin, pinFd } from '../pin.ts';
import type { BpfProgram } from '../program.ts';
import { F, linkUpdateOpts } from '../uapi.ts';

const ENOLINK = 67;

/**
 * An attachment that the kernel keeps for as long as a descriptor or a pin refers to it: closing the last
 * one detaches. Owned: whoever holds it closes it.
 */
export class BpfLink {
  readonly #fd: Fd;

  /** Takes the descriptor over. */
  constructor(fd: Fd) {
    this.#fd = fd;
  }

  static openPinned(path: string): BpfLink {
    return new BpfLink(openPin(path, 'link'));
  }

  /** null when no link has this id (any more). */
  static openId(id: number): BpfLink | null {
    const fd = libbpf.bpf_link_get_fd_by_id(id);
    if (fd === -ENOENT) return null;
    const what = `link with id ${id}`;
    return new BpfLink(new Fd(check(fd, 'Open', what), what));
  }

  /** For the duration of a call. */
  get fd(): number {
    return this.#fd.number;
  }

  get isOpen(): boolean {
    return this.#fd.isOpen;
  }

  /** How errors name it. */
  get what(): string {
    return this.#fd.what;
  }

  /** Asked anew each time: the program changes by update(), the device may vanish. */
  get info(): LinkInfo {
    return linkInfo(this.fd, this.what);
  }

  /**
   * Replaces the program atomically; every packet meets the old or the new one. With `from`, only if that
   * is still the one attached. ENOLINK when the link's device is gone.
   */
  update(to: BpfProgram, from: BpfProgram | null = null): void {
    const opts = linkUpdateOpts.encode({
      sz: BigInt(linkUpdateOpts.size),
      flags: from === null ? 0 : F.REPLACE,
      old_prog_fd: from?.fd ?? 0,
    });
    const errno = libbpf.bpf_link_update(this.fd, to.fd, opts);
    if (errno === 0) return;
    const detail = errno === -ENOLINK ? 'its device is gone' : null;
    throw new BpfError({ op: 'Update', object: `${this.what} to ${to.what}`, errno, detail });
  }

  /** Ends the attachment for all holders; pins of the link stay and refer to nothing. */
  detach(): void {
    check(libbpf.bpf_link_detach(this.fd), 'Detach', this.what);
  }

  pin(path: string): void {
    pinFd(this.#fd, path);
  }

  /** Harmless when repeated. Detaches unless a pin or another descriptor refers to the link. */
  close(): void {
    this.#fd.close();
  }
}

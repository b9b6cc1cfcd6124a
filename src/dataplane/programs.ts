import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { BpfObject } from '../../loader/object.ts';
import { unpin } from '../../loader/pin.ts';
import { BpfProgram } from '../../loader/program.ts';
import { bindMaps } from './kernel-maps.ts';
import { readObject, type ObjectName } from './objects.ts';
import type { PinPaths } from './pins.ts';

/** Programs by object; each is pinned as NAME-DIGEST, so that a restart of the same version reuses it. */
const objects = {
  tc_hop: ['vwire_tc_own', 'vwire_tc_guest'],
  xdp_hop: ['vwire_xdp_own', 'vwire_xdp_guest', 'vwire_xdp_pass'],
  lost: ['vwire_lost'],
} as const satisfies Record<ObjectName, readonly string[]>;
export type ProgramName = (typeof objects)[ObjectName][number];

const objectOf = (program: ProgramName): ObjectName => {
  for (const [object, programs] of Object.entries(objects))
    if ((programs as readonly string[]).includes(program)) return object as ObjectName;
  throw new Error(`No object holds program '${program}'`);
};

/** The programs of one instance, loaded when first asked for. Owns their descriptors, not their pins. */
export class Programs {
  readonly #paths: PinPaths;
  readonly #sizes: Readonly<Record<string, number>>;
  readonly #open = new Map<ProgramName, BpfProgram>();

  constructor(paths: PinPaths, sizes: Readonly<Record<string, number>>) {
    this.#paths = paths;
    this.#sizes = sizes;
  }

  get(name: ProgramName): BpfProgram {
    const held = this.#open.get(name);
    if (held) return held;
    const object = readObject(objectOf(name));
    const pin = this.#pin(name, object.digest);
    if (!existsSync(pin)) this.#load(objectOf(name), object);
    const program = BpfProgram.openPinned(pin);
    this.#open.set(name, program);
    return program;
  }

  #pin(name: ProgramName, digest: string): string {
    return join(this.#paths.programs, `${name}-${digest}`);
  }

  #load(name: ObjectName, file: { bytes: Buffer; digest: string }): void {
    const object = BpfObject.open({ bytes: file.bytes, name });
    try {
      const maps = bindMaps(object, this.#paths.maps, this.#sizes);
      object.load();
      maps.loaded();
      for (const program of objects[name]) {
        const pin = this.#pin(program, file.digest);
        if (existsSync(pin)) continue;
        const taken = object.takeProgram(program);
        try {
          taken.pin(pin);
        } finally {
          taken.close();
        }
      }
    } finally {
      object.close();
    }
  }

  /** Unpins the programs of other versions; what is still attached lives on until it is replaced. */
  forgetOthers(): void {
    const current = new Set(
      (Object.keys(objects) as ObjectName[]).flatMap((object) => {
        const { digest } = readObject(object);
        return objects[object].map((program) => `${program}-${digest}`);
      }),
    );
    for (const name of readdirSync(this.#paths.programs))
      if (!current.has(name)) unpin(join(this.#paths.programs, name));
  }

  close(): void {
    for (const program of this.#open.values()) program.close();
    this.#open.clear();
  }
}

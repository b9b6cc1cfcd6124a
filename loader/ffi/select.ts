import type { Ffi } from './port.ts';

/** Why a driver is not there: not installed at all, or installed but its native part was never built. */
export type DriverState = { ok: true } | { ok: false; missing: 'package' | 'build'; message: string };

async function load(name: string): Promise<Ffi> {
  switch (name) {
    case 'koffi':
      return (await import('./koffi.ts')).driver;
    case 'ffi-napi':
      return (await import('./ffi-napi.ts')).driver;
    default:
      throw new Error(`VWIRE_FFI is '${name}': allowed are 'koffi' and 'ffi-napi'`);
  }
}

/** Loads a driver and says in which way it is missing if it is. For `vwire doctor`. */
export async function driverState(name: Ffi['name']): Promise<DriverState> {
  try {
    await load(name);
    return { ok: true };
  } catch (cause) {
    const error = cause as NodeJS.ErrnoException;
    const absent = error.code === 'MODULE_NOT_FOUND' || error.code === 'ERR_MODULE_NOT_FOUND';
    return { ok: false, missing: absent ? 'package' : 'build', message: error.message.split('\n')[0] ?? '' };
  }
}

/** The driver of this process: koffi, unless VWIRE_FFI says otherwise. */
export const ffi: Ffi = await load(process.env.VWIRE_FFI ?? 'koffi');

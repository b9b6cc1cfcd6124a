import { ffi } from './ffi/select.ts';
import type { Callback, Library } from './ffi/port.ts';

export type LogLevel = 'warn' | 'info' | 'debug';
/** Receives what libbpf says, one message a call, without the newline at its end. */
export type LogSink = (level: LogLevel, text: string) => void;

// enum libbpf_print_level
const levels: readonly LogLevel[] = ['warn', 'info', 'debug'];

const silent: LogSink = () => undefined;
let sink: LogSink = silent;
let lowest: LogLevel = 'info';
let collected: string[] | null = null;
let muted = false;

/**
 * Where libbpf's messages go; null silences it. libbpf writes hundreds of debug messages a load, so they
 * are not even formatted unless `least` asks for them.
 */
export function setLog(to: LogSink | null, least: LogLevel = 'info'): void {
  sink = to ?? silent;
  lowest = least;
}

/** For what this layer has to say itself where there is nobody to throw at. */
export function log(level: LogLevel, text: string): void {
  if (levels.indexOf(level) <= levels.indexOf(lowest)) sink(level, text);
}

/**
 * Runs `body` and returns, beside its result, all that libbpf said meanwhile. With `quietly` the sink
 * hears none of it: for calls whose refusal is an answer. Not for nesting.
 */
export function collecting<T>(body: () => T, quietly = false): { result: T; messages: string[] } {
  const messages: string[] = [];
  collected = messages;
  muted = quietly;
  try {
    return { result: body(), messages };
  } finally {
    collected = null;
    muted = false;
  }
}

const libc = ffi.open(null);
const vasprintf = libc.fn('vasprintf', 'i32', ['buf', 'ptr', 'ptr']);
const free = libc.fn('free', 'void', ['ptr']);

// A va_list reaches a callee as one pointer on x86-64 and arm64. It can be consumed once only, and a
// verifier log is one huge %s: hence vasprintf and not a second try with a larger buffer.
function format(pattern: bigint, values: bigint): string {
  const out = Buffer.alloc(8);
  if (vasprintf(out, pattern, values) < 0) return '(message lost: out of memory)';
  const address = out.readBigUInt64LE(0);
  try {
    return ffi.readString(address).replace(/\n$/, '');
  } finally {
    free(address);
  }
}

function print(number: number, pattern: bigint, values: bigint): number {
  const level = levels[number] ?? 'debug';
  const wanted = !muted && levels.indexOf(level) <= levels.indexOf(lowest) && sink !== silent;
  if (!wanted && (collected === null || level === 'debug')) return 0;
  // An exception would unwind through libbpf's C frames.
  try {
    const text = format(pattern, values);
    if (level !== 'debug') collected?.push(text);
    if (wanted) sink(level, text.replace(/^libbpf: /, ''));
  } catch {
    // A sink that throws loses its message; the load it speaks of must not suffer for it.
  }
  return 0;
}

// libbpf keeps the pointer for as long as the process lives: so must we.
let held: Callback | null = null;

export function installLog(libbpf: Library): void {
  held ??= ffi.callback('i32', ['i32', 'ptr', 'ptr'], print);
  libbpf.fn('libbpf_set_print', 'ptr', ['ptr'])(held.address);
}

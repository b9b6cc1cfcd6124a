import { missingFeature, refusedForSize } from '../../dataplane/refusal.ts';
import { InputError } from '../../net/input.ts';
import { NetnsError } from '../../net/netns.ts';
import { Failure, type FailureCode } from '../failure.ts';
import type { WireName } from './api.ts';

const netnsCodes: Readonly<Record<NetnsError['problem'], FailureCode>> = {
  absent: 'not_found',
  'not-a-netns': 'invalid',
  denied: 'unsupported',
};

/** What the layers below throw, in the words of this feature's callers. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof InputError) {
    const { message, field, value, allowed } = error;
    const code = error instanceof NetnsError ? netnsCodes[error.problem] : 'invalid';
    return new Failure(code, message, { field, value, allowed, cause: error });
  }
  const message = error instanceof Error ? error.message : String(error);
  const code = missingFeature(error) === null ? 'failed' : 'unsupported';
  return new Failure(code, message, { cause: error });
}

/** A veth runs XDP only up to what fits a page; how much that is the kernel alone knows. */
export function explainXdp(error: unknown, mtu: number): unknown {
  if (!refusedForSize(error)) return error;
  return new Failure('refused', `mtu is '${mtu}': xdp carries only frames that fit one page`, {
    field: 'mtu',
    value: String(mtu),
    allowed: 'at most about 3500 bytes with xdp, 65535 without',
    cause: error,
  });
}

/** Runs what one of the feature's methods does; whatever it throws is a Failure. */
export async function toldAsFailure<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw failureOf(error);
  }
}

export function noSuchWire(name: WireName): Failure {
  const told = 'id' in name ? `wire ${name.id}` : `connection '${name.connection}'`;
  return new Failure('not_found', `There is no ${told}`, {
    field: 'wire',
    value: 'id' in name ? String(name.id) : name.connection,
    allowed: 'an id or connection name that vwire ls shows',
  });
}

export const tooManyWires = (count: number, limit: number): Failure =>
  new Failure('refused', `There are ${count} wires: this agent takes ${limit}`, {
    field: 'wires',
    value: String(count),
    allowed: `${limit}, set by --max-wires`,
  });

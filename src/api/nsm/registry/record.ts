import { createRegistry, equals, type DescMessage, type MessageShape } from '@bufbuild/protobuf';

/**
 * A record is handed out to many: whoever would change it gets an error instead, and clones it. Byte arrays, which
 * hold fields that are not known here, cannot be frozen.
 */
export function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value))
    return value;
  Object.freeze(value);
  for (const part of Object.values(value)) freeze(part);
  return value;
}

const noExtensions = createRegistry();

/** Fields that are not known here count too. */
export const isSame = <D extends DescMessage>(schema: D, a: MessageShape<D>, b: MessageShape<D>): boolean =>
  equals(schema, a, b, { unknown: true, registry: noExtensions });

import { type DescMessage, type MessageShape, fromBinary, toBinary } from '@bufbuild/protobuf';

/** A message in base64: for files, and for what is kept long and seldom looked at. As an object it takes ten times as much. */
export const textOf = <T extends DescMessage>(schema: T, message: MessageShape<T>): string =>
  Buffer.from(toBinary(schema, message)).toString('base64');

/** Throws if it cannot be read. */
export const messageOf = <T extends DescMessage>(schema: T, base64: string): MessageShape<T> =>
  fromBinary(schema, Buffer.from(base64, 'base64'));

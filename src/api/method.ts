import {
  type DescMessage,
  type DescMethod,
  type MessageShape,
  fromBinary,
  toBinary,
} from '@bufbuild/protobuf';

/** A method as grpc-js wants it, over protobuf-es messages, which keep fields they do not know. */
export interface Method<I, O> {
  path: string;
  /** Full name of its service. */
  service: string;
  encodeRequest: (message: I) => Buffer;
  decodeRequest: (bytes: Buffer) => I;
  encodeResponse: (message: O) => Buffer;
  decodeResponse: (bytes: Buffer) => O;
}

/** The bytes are not copied: the message keeps them alive. */
const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export function methodOf<I extends DescMessage, O extends DescMessage>(
  method: DescMethod & { input: I; output: O },
): Method<MessageShape<I>, MessageShape<O>> {
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    service: method.parent.typeName,
    encodeRequest: (message) => bufferOf(toBinary(method.input, message)),
    decodeRequest: (bytes) => fromBinary(method.input, bytes),
    encodeResponse: (message) => bufferOf(toBinary(method.output, message)),
    decodeResponse: (bytes) => fromBinary(method.output, bytes),
  };
}

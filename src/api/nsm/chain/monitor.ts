import { clone } from '@bufbuild/protobuf';
import type { ConnectionBook } from '../connections/book.ts';
import { connectionText, digestOf, mechanismText, pathOf, requestText } from '../connections/record.ts';
import { State } from '../proto/connection_pb.ts';
import { NetworkServiceRequestSchema } from '../proto/networkservice_pb.ts';
import type { Element } from './element.ts';

/** NSM's monitor: keeps what stands now, and tells those who watch. */
export function monitor(book: ConnectionBook): Element {
  return {
    name: 'monitor',
    async request(request, at, next) {
      const kept = clone(NetworkServiceRequestSchema, request);
      const reply = await next(request);
      const { held, left, right } = at;
      if (!left || !right) throw new Error('A connection has been answered without its mechanisms');
      reply.state = State.UP;
      const isFirst = held.established === null;
      const was = held.state;
      held.state = 'up';
      const change = {
        intent: 'open' as const,
        endpoint: reply.networkServiceEndpointName,
        payload: reply.payload,
        labels: { ...reply.labels },
        path: pathOf(reply),
        expires: at.expires,
        mtu: reply.context?.MTU ?? 0,
        leftNetns: left.identity,
        rightNetns: right.identity,
        request: requestText(kept),
        reply: connectionText(reply),
        endpointMechanism: mechanismText(right.mechanism),
      };
      book.settle(held, change, digestOf({ ...held.record, ...change }, kept, reply));
      if (isFirst)
        book.announce('opened', held, `${reply.networkService} at '${reply.networkServiceEndpointName}'`);
      else if (was !== 'up') book.announce('healed', held, `at '${reply.networkServiceEndpointName}'`);
      book.publish('update', held);
      return reply;
    },
  };
}

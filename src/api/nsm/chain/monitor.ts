import { clone } from '@bufbuild/protobuf';
import type { ConnectionBook } from '../connections/book.ts';
import { connectionText, mechanismText, pathOf, requestText } from '../connections/record.ts';
import { ConnectionSchema, State } from '../proto/connection_pb.ts';
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
      const before = held.established;
      const was = held.state;
      held.established = {
        request: kept,
        reply: clone(ConnectionSchema, reply),
        endpointMechanism: right.mechanism,
      };
      held.state = 'up';
      book.rewrite(held, {
        intent: 'open',
        endpoint: reply.networkServiceEndpointName,
        payload: reply.payload,
        labels: { ...reply.labels },
        path: pathOf(reply),
        mtu: reply.context?.MTU ?? 0,
        leftNetns: left.identity,
        rightNetns: right.identity,
        request: requestText(kept),
        reply: connectionText(reply),
        endpointMechanism: mechanismText(right.mechanism),
      });
      if (!before)
        book.announce('opened', held, `${reply.networkService} at '${reply.networkServiceEndpointName}'`);
      else if (was !== 'up') book.announce('healed', held, `at '${reply.networkServiceEndpointName}'`);
      book.publish('update', held);
      return reply;
    },
  };
}

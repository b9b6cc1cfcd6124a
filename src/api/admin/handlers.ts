import { create } from '@bufbuild/protobuf';
import type { Server, ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { Failure } from '../../features/failure.ts';
import type { AdminAgent } from './agent.ts';
import type { Method } from '../method.ts';
import { methods } from './methods.ts';
import { changeOf, nameOf, specOf } from './request.ts';
import { statusOf } from '../status.ts';
import type { WatchCall, Watchers } from './watchers.ts';
import {
  ListWiresResponseSchema,
  RemoveWireResponseSchema,
  StatusResponseSchema,
} from './vwire/v1/vwire_pb.ts';
import { wireMessage } from './wire-message.ts';

interface Handler<I, O> {
  answer: (request: I) => Promise<O>;
  /** Undoes what the answer says was done; called when the caller has gone before it could be told. */
  undo?: (answer: O) => Promise<void>;
}

/** Registers every method of this api. */
export function handle(server: Server, agent: AdminAgent, watchers: Watchers, log: Logger): void {
  const { wires } = agent;
  const answerTo = <I, O>(method: Method<I, O>, { answer, undo }: Handler<I, O>): void => {
    const onCall = async (call: ServerUnaryCall<I, O>, reply: sendUnaryData<O>): Promise<void> => {
      try {
        const response = await answer(call.request);
        if (!call.cancelled) {
          reply(null, response);
          return;
        }
        log.info({ method: method.path }, 'caller went away before the answer');
        await undo?.(response);
      } catch (error) {
        // A Failure was said in the caller's terms; anything else is ours to look into.
        const told =
          error instanceof Failure ? error : new Failure('failed', unexpected(error), { cause: error });
        log[told === error ? 'debug' : 'error']({ err: error, method: method.path }, 'call failed');
        reply(statusOf(told));
      }
    };
    server.register(
      method.path,
      (call: ServerUnaryCall<I, O>, reply: sendUnaryData<O>) => void onCall(call, reply),
      method.encodeResponse,
      method.decodeRequest,
      'unary',
    );
  };

  answerTo(methods.add, {
    answer: async (request) => wireMessage(await wires.add(specOf(request))),
    undo: async ({ id }) => wires.remove({ id }),
  });
  answerTo(methods.update, {
    answer: async (request) => wireMessage(await wires.update(nameOf(request.wire), changeOf(request))),
  });
  answerTo(methods.remove, {
    answer: async (request) => {
      await wires.remove(nameOf(request.wire));
      return create(RemoveWireResponseSchema);
    },
  });
  answerTo(methods.list, {
    answer: async () => create(ListWiresResponseSchema, { wires: wires.list().map(wireMessage) }),
  });
  answerTo(methods.status, {
    answer: async () => {
      const said = agent.status();
      return create(StatusResponseSchema, { ...said, features: { ...said.features } });
    },
  });
  server.register(
    methods.watch.path,
    (call: WatchCall) => {
      watchers.add(call);
    },
    methods.watch.encodeResponse,
    methods.watch.decodeRequest,
    'serverStream',
  );
}

const unexpected = (error: unknown): string =>
  `Unexpected error in the agent: ${error instanceof Error ? error.message : String(error)}`;

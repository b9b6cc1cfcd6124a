import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { NsmPlace, until } from '../../../../test/nsm/place.ts';
import { StockClient } from '../../../../test/nsm/stock.ts';
import { Failure } from '../../../features/failure.ts';
import {
  type ConnectionEvent,
  ConnectionEventSchema,
  ConnectionEventType,
  MonitorScopeSelectorSchema,
} from '../proto/connection_pb.ts';
import {
  HealthCheckRequestSchema,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '../proto/health_pb.ts';
import { NetworkServiceQuerySchema, NetworkServiceResponseSchema } from '../proto/registry_pb.ts';
import type { Call, NsmServices } from './services.ts';
import { StreamQueue } from './stream-queue.ts';

let place: NsmPlace;
let monitor: NsmServices['monitor'];
const everything = create(MonitorScopeSelectorSchema);

const event = (id: string, payload = ''): ConnectionEvent =>
  create(ConnectionEventSchema, {
    type: ConnectionEventType.UPDATE,
    connections: { [id]: { id, payload } },
  });

beforeEach(async () => {
  place = await NsmPlace.open({
    monitor: (selector, call) => monitor(selector, call),
    request: async () => {
      throw new Failure('unsupported', 'Not here');
    },
    findServices: async function* (query) {
      yield create(NetworkServiceResponseSchema, {
        networkService: { name: query.networkService?.name ?? '' },
      });
      yield create(NetworkServiceResponseSchema, { deleted: true });
    },
  });
});

afterEach(() => place.close());

test('what was found arrives, and then the end', async () => {
  const found: unknown[] = [];
  const query = create(NetworkServiceQuerySchema, { networkService: { name: 'icmp' } });
  for await (const { networkService, deleted } of place.client.findServices(query))
    found.push([networkService?.name, deleted]);
  expect(found).toEqual([
    ['icmp', false],
    [undefined, true],
  ]);
  await until(() => place.server.open === 0);
});

test('a stream that fails says why, after what it told', async () => {
  monitor = async function* () {
    yield event('a');
    throw new Failure('denied', 'Only its own connections', { field: 'pathSegments' });
  };
  const events = place.client.monitor(everything);
  expect((await events.next()).value).toMatchObject({ connections: { a: { id: 'a' } } });
  await expect(events.next()).rejects.toMatchObject({
    code: 'denied',
    message: 'Only its own connections',
    field: 'pathSegments',
  });
});

describe('a stream that goes on', () => {
  let queue: StreamQueue<ConnectionEvent> | null;
  let seen: Call | null;
  let ends: number;

  beforeEach(() => {
    ends = 0;
    seen = queue = null;
    monitor = (_selector, call) => {
      seen = call;
      queue = new StreamQueue({ signal: call.signal, limit: 100, onEnd: () => ends++ });
      queue.push(create(ConnectionEventSchema, { type: ConnectionEventType.INITIAL_STATE_TRANSFER }));
      return queue;
    };
  });

  test('has no deadline, and ends when its reader leaves', async () => {
    for await (const { type } of place.client.monitor(everything)) {
      expect(type).toBe(ConnectionEventType.INITIAL_STATE_TRANSFER);
      break;
    }
    await until(() => ends === 1 && place.server.open === 0);
    expect(seen).toMatchObject({ deadline: null, token: null });
  });

  test('ends when its reader says so', async () => {
    const controller = new AbortController();
    const events = place.client.monitor(everything, { signal: controller.signal });
    await events.next();
    const next = events.next();
    controller.abort(new Error('Enough'));
    await expect(next).rejects.toThrow('Enough');
    await until(() => ends === 1);
  });

  test('ends when the connection does', async () => {
    const events = place.client.monitor(everything);
    await events.next();
    const next = events.next();
    place.client.stream()?.destroy();
    await expect(next).rejects.toMatchObject({ name: 'Unreachable', where: place.url });
    await until(() => ends === 1);
  });

  test('ends when the server stops, which it says', async () => {
    const events = place.client.monitor(everything);
    await events.next();
    const next = events.next();
    const told = expect(next).rejects.toMatchObject({
      name: 'Unreachable',
      message: `No answer from '${place.url}': The server stops`,
    });
    await place.server.close(5_000);
    await told;
    expect(ends).toBe(1);
  });

  test('is not held up by one who does not read, who is cut off and told', async () => {
    const large = 'x'.repeat(64 * 1024);
    const stuck = new StockClient(`unix:${place.path}`);
    const stream = stuck.stream('/connection.MonitorConnection/MonitorConnections', Buffer.alloc(0));
    stream.pause();
    let failed: unknown = null;
    stream.on('error', (error) => (failed = error));
    await until(() => queue !== null);
    // Node writes what the windows of HTTP/2 take; the rest waits here, and not for ever.
    let pushed = 0;
    while (ends === 0) {
      queue?.push(event('a', large));
      pushed++;
      await new Promise(setImmediate);
    }
    expect(pushed).toBeLessThan(400);
    const events = place.client.monitor(everything);
    await events.next();
    stream.resume();
    await until(() => failed !== null);
    expect(failed).toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
      details: 'The reader is too slow: 100 items waited for it; ask again',
    });
    await events.return();
    stuck.close();
  });
});

describe('health', () => {
  const request = (service: string): Buffer =>
    Buffer.from(toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema, { service })));
  const said = (bytes: Buffer): ServingStatus => fromBinary(HealthCheckResponseSchema, bytes).status;
  let stock: StockClient;

  beforeEach(() => {
    stock = new StockClient(`unix:${place.path}`);
  });

  afterEach(() => {
    stock.close();
  });

  test.each(['', 'networkservice.NetworkService', 'connection.MonitorConnection'])(
    "of '%s' is good",
    async (service) => {
      const { bytes } = await stock.call('/grpc.health.v1.Health/Check', request(service));
      expect(said(bytes ?? Buffer.alloc(0))).toBe(ServingStatus.SERVING);
      const watch = stock.stream('/grpc.health.v1.Health/Watch', request(service));
      watch.on('error', () => undefined);
      expect(said(await new Promise((resolve) => watch.once('data', resolve)))).toBe(ServingStatus.SERVING);
      watch.cancel();
    },
  );

  test('of what is not served here is not known', async () => {
    const { error } = await stock.call('/grpc.health.v1.Health/Check', request('ipam.IPAM'));
    expect(error).toMatchObject({
      code: status.NOT_FOUND,
      details:
        "Service 'ipam.IPAM' is not served here: served are networkservice.NetworkService, connection.MonitorConnection, registry.NetworkServiceRegistry",
    });
    const watch = stock.stream('/grpc.health.v1.Health/Watch', request('ipam.IPAM'));
    watch.on('error', () => undefined);
    expect(said(await new Promise((resolve) => watch.once('data', resolve)))).toBe(
      ServingStatus.SERVICE_UNKNOWN,
    );
    watch.cancel();
  });
});

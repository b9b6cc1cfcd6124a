import { create } from '@bufbuild/protobuf';
import { Failure } from '../../../features/failure.ts';
import {
  type HealthCheckRequest,
  type HealthCheckResponse,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '../proto/health_pb.ts';
import type { Call } from './services.ts';
import { StreamQueue } from './stream-queue.ts';

/** gRPC's health protocol: a server that answers serves everything it has. */
export class Health {
  readonly #services: ReadonlySet<string>;

  /** Full names; the empty one, which is the process, is always there. */
  constructor(services: Iterable<string>) {
    this.#services = new Set(['', ...services]);
  }

  check({ service }: HealthCheckRequest): HealthCheckResponse {
    if (this.#services.has(service))
      return create(HealthCheckResponseSchema, { status: ServingStatus.SERVING });
    const allowed = [...this.#services].filter((name) => name !== '').join(', ');
    throw new Failure('not_found', `Service '${service}' is not served here: served are ${allowed}`, {
      field: 'service',
      value: service,
      allowed,
    });
  }

  /** Nothing here ever changes: one answer, and silence until the caller leaves. */
  watch({ service }: HealthCheckRequest, { signal }: Call): AsyncIterable<HealthCheckResponse> {
    const queue = new StreamQueue<HealthCheckResponse>({ signal, onEnd: () => undefined });
    const status = this.#services.has(service) ? ServingStatus.SERVING : ServingStatus.SERVICE_UNKNOWN;
    queue.push(create(HealthCheckResponseSchema, { status }));
    return queue;
  }
}

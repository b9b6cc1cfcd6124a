import {
  type Metadata,
  type ServerInterceptor,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  ServerListenerBuilder,
  ResponderBuilder,
} from '@grpc/grpc-js';
import { Failure } from '../../../features/failure.ts';
import type { Clock } from '../../../state/clock.ts';
import { statusOf } from '../../status.ts';
import { Admission } from './admission.ts';
import type { Callers, KnownCaller } from './callers.ts';

/** Who may call is asked at the headers of a call: a message that never ends is counted like one that is answered. */
export class Gate {
  readonly #callers: Callers;
  readonly #clock: Clock;
  readonly #deadlineMs: number;
  /** grpc-js hands a call's handler the very object that its interceptors saw. */
  readonly #admissions = new WeakMap<Metadata, Admission>();

  /** `deadlineMs` is given to calls that have no deadline. */
  constructor(callers: Callers, clock: Clock, deadlineMs: number) {
    this.#callers = callers;
    this.#clock = clock;
    this.#deadlineMs = deadlineMs;
  }

  /** Of every call on the connections it is made for; `whose` says whose they are. */
  interceptor(whose: (call: ServerInterceptingCallInterface) => KnownCaller): ServerInterceptor {
    return ({ responseStream }, call) => {
      const { caller, name } = whose(call);
      let leave: () => void;
      try {
        leave = this.#callers.enter(name, responseStream ? 'streams' : 'calls');
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        call.sendStatus(statusOf(error));
        return new ServerInterceptingCall(call);
      }
      const admission = new Admission(caller, this.#deadlineOf(call, responseStream), leave);
      this.#bound(admission, call, responseStream);
      const listener = new ServerListenerBuilder()
        .withOnReceiveMetadata((metadata, pass) => {
          this.#admissions.set(metadata, admission);
          pass(metadata);
        })
        // Also after a call's regular end.
        .withOnCancel(() => {
          admission.end();
        })
        .build();
      const responder = new ResponderBuilder().withStart((start) => {
        start(listener);
      });
      return new ServerInterceptingCall(call, responder.build());
    };
  }

  /** Of a call that the interceptor has let in. */
  admissionOf(metadata: Metadata): Admission {
    const admission = this.#admissions.get(metadata);
    if (admission === undefined) throw new Error('A call came past its interceptor');
    return admission;
  }

  #deadlineOf(call: ServerInterceptingCallInterface, stream: boolean): number | null {
    const given = Number(call.getDeadline());
    if (given !== Infinity) return given;
    return stream ? null : this.#clock.now() + this.#deadlineMs;
  }

  /** grpc-js ends a call at the deadline it came with; the others end here. */
  #bound(admission: Admission, call: ServerInterceptingCallInterface, stream: boolean): void {
    if (call.getDeadline() !== Infinity) return;
    const what = stream ? 'The request was not complete' : 'There was no answer';
    const cancel = this.#clock.after(this.#deadlineMs, () => {
      const late = new Failure(
        'timeout',
        `${what} within ${this.#deadlineMs} ms, which a call without a deadline is given`,
      );
      admission.end(late);
      call.sendStatus(statusOf(late));
    });
    admission.whenOver(cancel);
    if (stream) admission.whenBegun(cancel);
  }
}

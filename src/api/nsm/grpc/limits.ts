/**
 * A path of ten processes with their tokens takes 20 KB, ten thousand routes 400 KB. What a message may be
 * times the calls of one caller is what the caller can make this process hold: 128 MiB.
 */
export const maxRequestBytes = 1024 * 1024;

/** The state of 10,000 connections at 2 KB each, with room; other implementations take 4 MiB by default. */
export const maxResponseBytes = 64 * 1024 * 1024;

/** Given to a call that comes without a deadline, and to the request of a stream: NSM_REQUEST_TIMEOUT's default. */
export const defaultDeadlineMs = 15_000;

/** Items a reader of a stream may be behind, beyond what the socket holds. */
export const maxWaitingItems = 1024;

/** grpc-go's servers end a connection that is pinged more often than every five minutes. */
export const clientPingMs = 330_000;

/** JSON of the registry's path header; all headers of a call together have 64 KiB. */
export const maxRegistryPathBytes = 48 * 1024;

/** What setTimeout takes: more would be no time at all. */
export const longestTimerMs = 2 ** 31 - 1;

/** An attempt to connect has this long until HTTP/2 is spoken: the default of NSM_DIAL_TIMEOUT in NSM's client. */
export const defaultDialTimeoutMs = 5_000;

export interface Limits {
  /** Of one listener at a time. */
  connections: number;
  /** Of one address over tcp; of a unix socket see src/net/unix. */
  connectionsOfAddress: number;
  /** Calls and streams of one connection at a time: a client waits before it begins more. */
  callsOfConnection: number;
  /** Calls of one caller that wait for their answer. More are refused. */
  callsOfCaller: number;
  /** Streams one caller has open: monitors and watches. More are refused. */
  streamsOfCaller: number;
  /** A connection is pinged after so many ms, and so on. */
  pingMs: number;
  /** It ends when there is no answer for so many ms: nobody says of a machine that it has gone. */
  pingTimeoutMs: number;
}

export const defaultLimits: Readonly<Limits> = {
  connections: 1024,
  connectionsOfAddress: 64,
  callsOfConnection: 256,
  callsOfCaller: 128,
  streamsOfCaller: 512,
  pingMs: 30_000,
  pingTimeoutMs: 20_000,
};

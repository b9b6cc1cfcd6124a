/** Bytes of one recvmsg, which is what a stream allocates at most at a time. */
export const READ_BYTES = 64 * 1024;
/** Then the event loop gets its turn; the watch calls again while there is more. */
export const READS_PER_TURN = 16;
export const ACCEPTS_PER_TURN = 64;

/** SCM_MAX_FD: the kernel lets nobody send more at once, so control data of this size is never cut off. */
export const DESCRIPTORS_PER_MESSAGE = 253;
/** Received descriptors a stream keeps; what comes beyond is closed. */
export const DESCRIPTORS_HELD = 128;
/** Of all streams of one origin (origin.ts), those that are still being closed included. */
export const DESCRIPTORS_PER_ORIGIN = 512;
/** Descriptors that wait for the next write. */
export const DESCRIPTORS_QUEUED = 256;

/** A descriptor nobody has asked for is closed after this many ms: the request it came for is over by then. */
export const UNTAKEN_MS = 60_000;
/** After a take it stays this many ms, for a second take by the same request, and is closed. */
export const TAKEN_MS = 2_000;

/** What listen(2) is asked for; the kernel cuts it to net.core.somaxconn. */
export const BACKLOG = 1024;
export const CONNECTIONS = 1024;
/** Of one origin (origin.ts): a pod does not need more than a few. */
export const CONNECTIONS_PER_ORIGIN = 64;
/** Pause in ms after accept4 has failed for want of descriptors or memory. */
export const ACCEPT_PAUSE_MS = 100;
/** Pause in ms before connecting again to a listener whose backlog is full. */
export const CONNECT_PAUSE_MS = 10;

/** Symbolic links on the way to a socket's file, as many as the kernel follows. */
export const SYMLINKS = 40;

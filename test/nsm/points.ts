import { faultPoints, movePoints } from '../../src/features/wire/fault.ts';
import { forwarder, type ForwarderParts } from '../../src/api/nsm/forwarder.ts';

// Only what the elements are called is asked of them.
const elements = forwarder({} as ForwarderParts);

/** On the way in and on the way back, from the list that the agent runs. */
export const chainPoints = elements.flatMap(({ name }) => [`request ${name} in`, `request ${name} out`]);

/** Of those that have a part in closing. */
export const closePoints = elements.flatMap((element) =>
  'close' in element ? [`close ${element.name} in`, `close ${element.name} out`] : [],
);

const closing: readonly string[] = ['closing', 'unruled', 'deleting'];
/** Of changes to a wire that stands. */
const changing: readonly string[] = ['switched', ...movePoints];

/** Between kernel operations, while a wire is made. A wire without policies adds and removes nothing more. */
export const openingPoints = faultPoints.filter(
  (point) => !closing.includes(point) && !changing.includes(point) && !point.startsWith('ip '),
);

/** What is given back, last to first, with the file's own words before and the kernel's in between. */
export const releasePoints: readonly string[] = [
  'write connection closing',
  ...['timeout', 'endpoint', 'record', 'wire'].map((held) => `release connection ${held}`),
  ...closing,
];

/** Files of a connection that are being written. */
export const filePoints = ['write connection opening', 'write connection open'] as const;

const begin = elements.findIndex(({ name }) => name === 'begin');

/** Where a request has been carried out, and only its answer is lost. */
export const isAnswered = (point: string): boolean =>
  elements.slice(0, begin + 1).some(({ name }) => point === `request ${name} out`);

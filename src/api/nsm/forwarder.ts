import type { Logger } from 'pino';
import type { Wires } from '../../features/wire/api.ts';
import type { Clock } from '../../state/clock.ts';
import type { Authority } from './chain/authority.ts';
import { authorize } from './chain/authorize.ts';
import { begin } from './chain/begin.ts';
import { connect, type EndpointLinks } from './chain/connect.ts';
import { discover, type Directory } from './chain/discover.ts';
import type { Element } from './chain/element.ts';
import { kernel } from './chain/kernel.ts';
import { monitor } from './chain/monitor.ts';
import { timeout, type Lifetimes } from './chain/timeout.ts';
import { updatePath } from './chain/update-path.ts';
import { updateToken } from './chain/update-token.ts';
import { wire } from './chain/wire.ts';
import type { ConnectionBook } from './connections/book.ts';

export interface ForwarderParts {
  /** In every path. */
  readonly name: string;
  readonly book: ConnectionBook;
  readonly wires: Wires;
  readonly directory: Directory;
  readonly links: EndpointLinks;
  readonly authority: Authority;
  readonly lifetimes: Lifetimes;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What a request passes through, in this order on the way in and in reverse on the way back. */
export const forwarder = ({
  name,
  book,
  wires,
  directory,
  links,
  authority,
  lifetimes,
  clock,
  log,
}: ForwarderParts): readonly Element[] => [
  updatePath(name, book, authority),
  begin(book, clock),
  updateToken(clock),
  authorize(authority),
  timeout(lifetimes, clock),
  monitor(book),
  kernel(authority, book),
  discover(directory, log),
  wire(wires),
  connect(links, book, log),
];

import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Wires } from '../../features/wire/api.ts';
import { connectionsDirectory, readConnectionRecords } from '../../state/view.ts';
import { endConnection } from './chain/begin.ts';
import { type EndpointLinks, farewell, tellEnd } from './chain/connect.ts';
import type { Lifetimes } from './chain/timeout.ts';
import { holdWire, removeWire, sideLost } from './chain/wire.ts';
import type { ConnectionBook } from './connections/book.ts';
import { inTurn, type Held } from './connections/held.ts';
import { checkMessages } from './connections/established.ts';
import type { Healer } from './heal.ts';
import type { HostedEndpoints } from './hosted.ts';
import type { Farewells } from './farewells.ts';

export interface ConnectionAdoption {
  readonly directory: string;
  readonly book: ConnectionBook;
  readonly wires: Wires;
  readonly links: EndpointLinks & { watch(endpoint: { name: string; target: string }): void };
  readonly lifetimes: Lifetimes;
  readonly healer: Healer;
  readonly hosted: Pick<HostedEndpoints, 'restore'>;
  readonly farewells: Pick<Farewells, 'keep'>;
  readonly log: Logger;
}

/** Takes up again what an earlier agent held: the endpoint's promise, the wire, the end. */
async function hold(
  connection: Held,
  wire: number | null,
  { book, links, wires, farewells, log }: ConnectionAdoption,
): Promise<void> {
  const { record } = connection;
  await book.adoptFile(connection);
  const endpoint = { name: record.endpoint, target: record.target };
  if (endpoint.name !== '') {
    await connection.scope.hold('endpoint', `${endpoint.name} ${endpoint.target}`, () => async () => {
      const told = { id: record.id, connection: farewell(connection) };
      if (await tellEnd(endpoint, links, told, log)) return;
      // One the agent answers for hears it at once, or is no more.
      if (endpoint.target !== '') farewells.keep(endpoint.name, told.id, told.connection);
    });
  }
  if (wire === null) return;
  await holdWire(connection, wires, wire);
}

/** Those whose messages can be read, too. */
function readRecords(directory: string): ReturnType<typeof readConnectionRecords> {
  const { records, unreadable } = readConnectionRecords(directory);
  const readable = records.filter((record) => {
    try {
      checkMessages(record);
      return true;
    } catch (error) {
      const file = join(connectionsDirectory(directory), `${record.id}.json`);
      unreadable.push({ file, problem: (error as Error).message });
      return false;
    }
  });
  return { records: readable, unreadable };
}

/**
 * Makes the connections of an earlier agent this one's: what stood goes on, what was under way is undone, since its
 * caller never heard of it and asks again. Wires of no connection are removed.
 */
export async function adoptConnections(adoption: ConnectionAdoption): Promise<void> {
  const { book, wires, log, directory, lifetimes, healer, links, hosted } = adoption;
  const { records, unreadable } = readRecords(directory);
  for (const { file, problem } of unreadable)
    log.error({ file, problem }, 'State file cannot be read and is left alone');
  const made = new Map(
    wires
      .outlines()
      .filter(({ owner, state }) => owner === 'connection' && state !== 'orphan')
      .map((wire) => [wire.connection, wire]),
  );
  for (const record of records) {
    const found = made.get(record.id) ?? null;
    const wire = found?.id ?? null;
    made.delete(record.id);
    const connection = book.enter(record);
    try {
      await hold(connection, wire, adoption);
      if (record.intent !== 'open' || !connection.established) {
        await inTurn(connection, () =>
          endConnection(
            book,
            connection,
            record.intent === 'closing' ? 'was being closed' : 'was left half-made',
          ),
        );
        continue;
      }
      connection.state = 'up';
      if (record.wire !== wire) book.rewrite(connection, { wire });
      if (record.target === '') hosted.restore(record.endpoint, connection.established.reply);
      lifetimes.resume(connection);
      await connection.scope.hold('timeout', '', () => () => {
        lifetimes.forget(connection);
      });
      links.watch({ name: record.endpoint, target: record.target });
      if (found === null) healer.wireGone(connection);
      else if (found.lost === 'right') {
        sideLost(connection, 'right');
        void healer.sideLost(connection);
      }
      log.info({ conn: record.id, wire }, 'connection adopted');
    } catch (error) {
      book.announce('failed', connection, `adopting it: ${(error as Error).message}`);
    }
  }
  if (unreadable.length > 0) return; // one of them may be whose wire this is
  for (const [connection, { id }] of made) {
    log.warn({ conn: connection, wire: id }, 'A wire is of no connection that is known: removed');
    await removeWire(wires, id);
  }
}

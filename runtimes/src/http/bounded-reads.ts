/**
 * Reads of a gateway from Postgres: bounded in number and in time.
 *
 * A stuck Postgres holds each connection until the driver's own limit; without a bound here, requests
 * would queue behind it until memory ends. Beyond the bound a read is refused at once with
 * `Overloaded`; one that takes longer than a client should wait ends as Transient, while its
 * connection is left to the connector to recover.
 */
import type { Clock } from '@millrace/kit/clock';
import { Transient } from '@millrace/kit/transient';
import type { Sql } from '../connectors/postgres/database.ts';
import { overloaded } from './exchange.ts';

export interface BoundOptions {
  readonly clock: Clock;
  /** Most reads running or waiting for a connection. */
  readonly readsMax: number;
  readonly deadlineMs: number;
  /** What is thrown after the deadline; by default that Postgres is silent. */
  readonly late?: () => Transient;
}

export interface ReadsOptions extends BoundOptions {
  readonly database: Sql;
}

/** Runs a read within the bounds. */
export type BoundedWork = <T>(work: () => Promise<T>) => Promise<T>;

export function boundedReads({ database, ...bounds }: ReadsOptions): Sql {
  const bounded = boundedWork(bounds);
  return {
    query: <R extends object>(text: string, values?: readonly unknown[]) =>
      bounded(() => database.query<R>(text, values)),
  };
}

export function boundedWork(options: BoundOptions): BoundedWork {
  const { clock, readsMax, deadlineMs, late: lateFailure = postgresIsSilent } = options;
  let running = 0;
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (running >= readsMax) throw overloaded();
    running += 1;
    const answered = new AbortController();
    // The place is given back when the read ends, not when its caller gives up: what the server
    // still works on is load.
    const read = work().finally(() => {
      running -= 1;
      answered.abort();
    });
    const late = clock.sleep(deadlineMs, answered.signal).then((): typeof tooLate => tooLate);
    const result = await Promise.race([read, late]);
    if (result !== tooLate) return result;
    // The deadline and the end of the read may come together; the read's own outcome is better.
    if (answered.signal.aborted) return await read;
    read.catch(() => undefined);
    throw lateFailure();
  };
}

const tooLate = Symbol('too late');

function postgresIsSilent(): Transient {
  return new Transient('Silent', 'Reading rows: Postgres did not answer within the time limit.', {
    backend: 'postgres',
  });
}

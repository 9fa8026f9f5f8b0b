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
import type { Result, Sql } from '../connectors/postgres/database.ts';
import { overloaded } from './exchange.ts';

export interface ReadsOptions {
  readonly database: Sql;
  readonly clock: Clock;
  /** Most reads running or waiting for a connection. */
  readonly readsMax: number;
  readonly deadlineMs: number;
}

export function boundedReads(options: ReadsOptions): Sql {
  const { database, clock, readsMax, deadlineMs } = options;
  let running = 0;
  return {
    query: async <R extends object>(text: string, values?: readonly unknown[]) => {
      if (running >= readsMax) throw overloaded();
      running += 1;
      const answered = new AbortController();
      // The place is given back when the read ends, not when its caller gives up: what the server
      // still works on is load.
      const read = database.query<R>(text, values).finally(() => {
        running -= 1;
        answered.abort();
      });
      const late = clock
        .sleep(deadlineMs, answered.signal)
        .then((): Result<R> | undefined => undefined);
      const result = await Promise.race([read, late]);
      if (result !== undefined) return result;
      // The deadline and the end of the read may come together; the read's own outcome is better.
      if (answered.signal.aborted) return await read;
      read.catch(() => undefined);
      throw new Transient(
        'Silent',
        'Reading rows: Postgres did not answer within the time limit.',
        {
          backend: 'postgres',
        },
      );
    },
  };
}

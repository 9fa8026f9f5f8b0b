/**
 * Postgres as the mechanisms see it: queries, sessions, transactions and COPY over a bounded pool.
 *
 * Guarantees: every error leaves as one of our failures (see failures.ts); nothing waits for ever
 * (connect, statement, lock and silence limits); a session whose connection or transaction is in
 * doubt never returns to the pool; a commit that the server turned into a rollback is an error. The
 * URL is read again when the server refuses the credentials or cannot be reached, so that a rotated
 * Secret needs no restart. It does not retry: loops that own a unit of work do.
 */
import pg, { type Pool, type PoolClient, type QueryConfig, type QueryResult } from 'pg';
import type { Failure } from '@millrace/kit/failure';
import { Fault } from '@millrace/kit/fault';
import type { Log } from '@millrace/kit/log';
import { poolConfig, silenceTimeoutMs, statementTimeoutMs } from './connection.ts';
import { copyIn, destroy, type CopyIn } from './copy-in.ts';
import { endsConnection, translate } from './failures.ts';

export interface Result<R> {
  rows: R[];
  rowCount: number;
}

export interface Sql {
  /** Several statements may share one text when there are no values; the last result is returned. */
  query<R extends object = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
  ): Promise<Result<R>>;
}

/** One connection, checked out; inside `transaction` it is inside that transaction. */
export interface Session extends Sql {
  copyIn(statement: string): CopyIn;
}

export interface SessionOptions {
  /** Limit of each statement of the session, on server and client; default one minute. */
  readonly statementTimeoutMs?: number;
}

export interface Database extends Sql, AsyncDisposable {
  transaction<T>(work: (tx: Session) => Promise<T>, options?: SessionOptions): Promise<T>;
  session<T>(work: (session: Session) => Promise<T>, options?: SessionOptions): Promise<T>;
}

export interface DatabaseOptions {
  /** Read again when the server refuses us or is gone: rotation without a restart. */
  url(): string;
  /** PEM certificates to trust, for sslmode verify-ca and verify-full. */
  caBundle?(): string | undefined;
  readonly applicationName: string;
  /** Most connections of this pool. */
  readonly max: number;
  readonly log: Log;
}

export function openDatabase(options: DatabaseOptions): Database {
  let url: string | undefined;
  let pool: Pool | undefined;

  const currentPool = (): Pool => {
    if (pool !== undefined) return pool;
    url = options.url();
    pool = openPool(url, options);
    return pool;
  };

  const checkOut = async (): Promise<PoolClient> => {
    try {
      return await currentPool().connect();
    } catch (error) {
      const failure = translate(error, 'Connecting to Postgres');
      // Only a changed URL makes a second attempt worth while; otherwise the caller backs off.
      if (options.url() === url) throw failure;
      retire(pool);
      pool = undefined;
      return await currentPool()
        .connect()
        .catch((second: unknown) => {
          throw translate(second, 'Connecting to Postgres');
        });
    }
  };

  const session = async <T>(
    work: (session: Session) => Promise<T>,
    sessionOptions: SessionOptions = {},
  ): Promise<T> => {
    const client = await checkOut();
    const limitMs = sessionOptions.statementTimeoutMs ?? statementTimeoutMs;
    const held = holdSession(client, limitMs);
    try {
      if (limitMs !== statementTimeoutMs) await held.session.query(timeoutSql(limitMs));
      const result = await work(held.session);
      if (limitMs !== statementTimeoutMs) await held.session.query(timeoutSql(statementTimeoutMs));
      return result;
    } catch (error) {
      // Whatever state an error left behind, a connection costs less than a wrong transaction.
      held.doubt();
      throw error;
    } finally {
      held.release();
    }
  };

  return {
    query: async <R extends object>(text: string, values?: readonly unknown[]) => {
      const client = await checkOut();
      const held = holdSession(client, statementTimeoutMs);
      try {
        return await held.session.query<R>(text, values);
      } finally {
        held.release();
      }
    },
    session,
    transaction: (work, transactionOptions) =>
      session((held) => inTransaction(held, work), transactionOptions),
    [Symbol.asyncDispose]: async () => {
      const last = pool;
      pool = undefined;
      await last?.end();
    },
  };
}

function openPool(url: string, options: DatabaseOptions): Pool {
  const { applicationName, max, log } = options;
  const pool = new pg.Pool(
    poolConfig({ url, caBundle: options.caBundle?.(), applicationName, max }),
  );
  // An idle connection ended by the server is reported here; unheard, it would end the process.
  pool.on('error', (error) => log.debug({ err: error }, 'idle postgres connection ended'));
  return pool;
}

function retire(pool: Pool | undefined): void {
  pool?.end().catch(() => undefined);
}

function timeoutSql(ms: number): string {
  return `SET statement_timeout = ${Math.trunc(ms)}`;
}

interface HeldSession {
  readonly session: Session;
  /** The connection must not be used again. */
  doubt(): void;
  release(): void;
}

function holdSession(client: PoolClient, limitMs: number): HeldSession {
  let inDoubt = false;
  const note = (failure: Failure): Failure => {
    if (endsConnection(failure)) inDoubt = true;
    // The server did not answer in time: its late answer must not meet the next query.
    if (failure.code === 'Silent') destroy(client);
    return failure;
  };
  const session: Session = {
    query: async <R extends object>(text: string, values?: readonly unknown[]) => {
      try {
        const statement: QueryConfig & { query_timeout: number } = {
          text,
          ...(values === undefined ? {} : { values: [...values] }),
          query_timeout: silenceTimeoutMs(limitMs),
        };
        return resultOf(await client.query<R>(statement));
      } catch (error) {
        throw note(translate(error, 'Querying Postgres'));
      }
    },
    copyIn: (statement) => copyIn(client, statement),
  };
  return {
    session,
    doubt: () => {
      inDoubt = true;
    },
    release: () => client.release(inDoubt),
  };
}

function resultOf<R extends object>(result: QueryResult<R> | QueryResult<R>[]): CommandResult<R> {
  const last = Array.isArray(result) ? result.at(-1) : result;
  return { rows: last?.rows ?? [], rowCount: last?.rowCount ?? 0, command: last?.command ?? '' };
}

interface CommandResult<R> extends Result<R> {
  /** The server's name of what it did. */
  readonly command: string;
}

async function inTransaction<T>(session: Session, work: (tx: Session) => Promise<T>): Promise<T> {
  await session.query('BEGIN');
  const result = await work(session);
  const end: Result<object> & { readonly command?: string } = await session.query('COMMIT');
  // In a failed transaction COMMIT succeeds as a rollback; a caller that swallowed the error would
  // acknowledge work that was never stored.
  if (end.command !== 'COMMIT') throw new Fault('a failed transaction was committed');
  return result;
}

/**
 * One look at an import from outside: what its ledger says and what its sessions in Postgres are
 * doing at this instant. Undefined while Postgres is away or the import is not known yet.
 */
import pg from 'pg';

/** What a session does, read off the statement it runs or ran last. */
export type Stage =
  | 'Claiming'
  | 'Copying'
  | 'Merging'
  | 'Loaded'
  | 'Committing'
  | 'Indexing'
  | 'Recounting'
  | 'Other';

export interface SessionLook {
  readonly role: string;
  /** Its end of the connection, by which its process is found. */
  readonly port: number;
  readonly stage: Stage;
  readonly isActive: boolean;
  readonly inTransaction: boolean;
}

export interface Look {
  readonly uid: string;
  readonly state: string;
  readonly chunks: number;
  readonly planComplete: boolean;
  readonly done: number;
  /** Which queue announces the chunks now. */
  readonly queue: number;
  readonly sessions: readonly SessionLook[];
}

const ledgerSql = `
SELECT i.uid, i.state, p.chunks, p.plan_complete, p.queue,
  (SELECT count(*)::int FROM millrace.chunks c WHERE c.import = i.uid AND c.done_at IS NOT NULL) AS done
FROM millrace.imports i JOIN millrace.plans p ON p.import = i.uid WHERE i.name = $1`;
const sessionsSql = `
SELECT application_name AS application, client_port AS port, state, query,
  xact_start IS NOT NULL AS in_transaction
FROM pg_stat_activity WHERE application_name LIKE 'millrace-%-' || $1`;

interface LedgerRow {
  readonly uid: string;
  readonly state: string;
  readonly chunks: number;
  readonly plan_complete: boolean;
  readonly queue: number;
  readonly done: number;
}

interface SessionRow {
  readonly application: string;
  readonly port: number;
  readonly state: string | null;
  readonly query: string;
  readonly in_transaction: boolean;
}

/** The first that matches; what comes after COPY and before COMMIT is Loaded. */
const stages: readonly (readonly [RegExp, Stage])[] = [
  [/^COPY [^(]*_rejects"/, 'Loaded'],
  [/^COPY /, 'Copying'],
  [/^WITH (merged|earlier)/, 'Merging'],
  [/^UPDATE millrace\.chunks\s+SET path/, 'Loaded'],
  [/^UPDATE millrace\.attempts/, 'Loaded'],
  [/^RELEASE SAVEPOINT/, 'Loaded'],
  [/^WITH open/, 'Claiming'],
  [/^COMMIT/, 'Committing'],
  [/^CREATE INDEX/, 'Indexing'],
  [/_rejects" WHERE import/, 'Recounting'],
];

function sessionLook(row: SessionRow): SessionLook {
  const query = row.query.trimStart();
  return {
    role: row.application.split('-')[1] ?? '',
    port: row.port,
    stage: stages.find(([pattern]) => pattern.test(query))?.[1] ?? 'Other',
    isActive: row.state === 'active',
    inTransaction: row.in_transaction,
  };
}

export class Observer implements AsyncDisposable {
  readonly #pool: pg.Pool;

  constructor(url: string) {
    this.#pool = new pg.Pool({
      connectionString: url,
      max: 2,
      connectionTimeoutMillis: 2_000,
      query_timeout: 10_000,
      application_name: 'chaos',
    });
    // Postgres is killed in every round; the query that meets it is answered with undefined.
    this.#pool.on('error', () => undefined);
    this.#pool.on('connect', (client) => client.on('error', () => undefined));
  }

  async look(importName: string): Promise<Look | undefined> {
    try {
      const [ledger, sessions] = await Promise.all([
        this.#pool.query<LedgerRow>(ledgerSql, [importName]),
        this.#pool.query<SessionRow>(sessionsSql, [importName]),
      ]);
      const [row] = ledger.rows;
      if (row === undefined) return undefined;
      const { plan_complete: planComplete, ...rest } = row;
      return { ...rest, planComplete, sessions: sessions.rows.map(sessionLook) };
    } catch {
      return undefined;
    }
  }

  /**
   * Makes each commit take a few milliseconds more, so that one can be met; what a commit promises
   * stays the same. Undone by `false`.
   */
  async slowCommits(isSlow: boolean): Promise<void> {
    const values = isSlow ? { commit_delay: 20_000, commit_siblings: 0 } : undefined;
    for (const name of ['commit_delay', 'commit_siblings'] as const) {
      const value = values === undefined ? 'DEFAULT' : String(values[name]);
      await this.#pool.query(`ALTER SYSTEM SET ${name} = ${value}`);
    }
    await this.#pool.query('SELECT pg_reload_conf()');
  }

  /** For verdicts, when everything must answer. */
  async rows<R extends pg.QueryResultRow>(
    sql: string,
    values: readonly unknown[] = [],
  ): Promise<R[]> {
    return (await this.#pool.query<R>(sql, [...values])).rows;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.end();
  }
}

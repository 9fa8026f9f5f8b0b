/**
 * Eyes of its own on ledger and streams: nothing of what the pipeline says of itself is believed.
 * While a server is away the answer is undefined; verdicts are asked for when everything answers.
 */
import { Redis } from 'ioredis';
import pg from 'pg';
import {
  acceptedField,
  acceptedKey,
  streamKey,
} from '@millrace/runtimes/increment-pipeline/stream/names';
import { tableName } from './manifest.ts';

export interface ObserverOptions {
  readonly postgresUrl: string;
  readonly redisUrl: string;
  readonly uid: string;
}

export interface Sight {
  /** Age of the oldest increment that is not in the table. */
  readonly stalenessMs: number;
  /** Entries of the streams that are not in the table. */
  readonly backlog: number;
  readonly owners: number;
}

export interface SessionLook {
  /** Its end of the connection, by which its process is found. */
  readonly port: number;
  readonly application: string;
}

/** Increments, over all partitions. */
export interface LedgerTotals {
  readonly accepted: bigint;
  readonly committed: bigint;
  readonly duplicates: bigint;
  readonly deadLetters: bigint;
  readonly lost: bigint;
  readonly incarnations: number;
}

interface PartitionRow {
  readonly partition: number;
  readonly incarnation: number;
  readonly last_id: string;
  readonly owner: string | null;
}

const limitMs = 2_000;
const partitionsSql = `
SELECT partition, incarnation, last_id, CASE WHEN lease_until > clock_timestamp() THEN owner END AS owner
FROM millrace.increment_partitions WHERE pipeline = $1 ORDER BY partition`;
const totalsSql = `
SELECT partition, incarnation, committed, duplicates, dead_letters, lost, accepted_before
FROM millrace.increment_partitions WHERE pipeline = $1`;

export class Observer implements AsyncDisposable {
  readonly #uid: string;
  readonly #pool: pg.Pool;
  readonly #redis: Redis;

  constructor({ postgresUrl, redisUrl, uid }: ObserverOptions) {
    this.#uid = uid;
    this.#pool = new pg.Pool({
      connectionString: postgresUrl,
      max: 3,
      connectionTimeoutMillis: limitMs,
      query_timeout: limitMs,
      application_name: 'chaos',
    });
    // Both servers are killed again and again; the question that meets it is answered with undefined.
    this.#pool.on('error', () => undefined);
    this.#pool.on('connect', (client) => client.on('error', () => undefined));
    this.#redis = new Redis(redisUrl, {
      commandTimeout: limitMs,
      connectTimeout: limitMs,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      retryStrategy: () => 100,
    });
    this.#redis.on('error', () => undefined);
  }

  async prepare(): Promise<void> {
    await this.#pool.query('CREATE TABLE chaos_probe AS SELECT clock_timestamp() AS at');
  }

  /** Whether Postgres takes a write now. */
  async isWritable(): Promise<boolean> {
    return this.#pool.query('UPDATE chaos_probe SET at = clock_timestamp()').then(
      () => true,
      () => false,
    );
  }

  async isRedisUp(): Promise<boolean> {
    return this.#redis.ping().then(
      () => true,
      () => false,
    );
  }

  /**
   * The oldest entries are read before the ledger's last word on them, so that what is committed
   * meanwhile is not taken for stale.
   */
  async look(): Promise<Sight | undefined> {
    try {
      const before = await this.#partitions();
      const oldest = await Promise.all(before.map(async (row) => this.#firstAfter(row)));
      const nowMs = Date.now();
      const after = await this.#partitions();
      const waiting = oldest.flatMap((id, at) => {
        const [was, is] = [before[at], after[at]];
        const isStill = was?.last_id === is?.last_id && was?.incarnation === is?.incarnation;
        return id !== undefined && isStill ? [Number(id.split('-', 1)[0])] : [];
      });
      return {
        stalenessMs: waiting.length === 0 ? 0 : Math.max(0, nowMs - Math.min(...waiting)),
        backlog: await this.#backlog(after),
        owners: new Set(after.flatMap(({ owner }) => owner ?? [])).size,
      };
    } catch {
      return undefined;
    }
  }

  /** Sessions of workers that are in a transaction now. */
  async committing(): Promise<readonly SessionLook[]> {
    const { rows } = await this.#pool
      .query<SessionLook>(
        `SELECT client_port AS port, application_name AS application FROM pg_stat_activity
         WHERE application_name LIKE 'millrace-worker-%' AND xact_start IS NOT NULL`,
      )
      .catch(() => ({ rows: [] }));
    return rows;
  }

  /** Cuts all connections of the pipeline; says how many there were. */
  async cutPostgres(): Promise<number> {
    const { rows } = await this.#pool.query<{ cut: number }>(
      `SELECT count(pg_terminate_backend(pid))::int AS cut FROM pg_stat_activity
       WHERE application_name LIKE 'millrace-%'`,
    );
    return rows[0]?.cut ?? 0;
  }

  async cutRedis(): Promise<number> {
    return Number(await this.#redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'));
  }

  async stored(): Promise<ReadonlyMap<string, bigint>> {
    const { rows } = await this.#pool.query<{ key: string; value: string }>(
      `SELECT key, value FROM "${tableName}"`,
    );
    return new Map(rows.map(({ key, value }) => [key, BigInt(value)]));
  }

  async totals(): Promise<LedgerTotals> {
    const { rows } = await this.#pool.query<Record<string, string>>(totalsSql, [this.#uid]);
    const inRedis = await this.#redis.hgetall(acceptedKey(this.#uid));
    const sum = (name: string): bigint =>
      rows.reduce((total, row) => total + BigInt(row[name] ?? 0), 0n);
    const now = rows.reduce((total, row) => {
      const place = {
        partition: Number(row['partition']),
        incarnation: Number(row['incarnation']),
      };
      return total + BigInt(inRedis[acceptedField(place)] ?? 0);
    }, 0n);
    return {
      accepted: now + sum('accepted_before'),
      committed: sum('committed'),
      duplicates: sum('duplicates'),
      deadLetters: sum('dead_letters'),
      lost: sum('lost'),
      incarnations: rows.filter((row) => Number(row['incarnation']) > 1).length,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#redis.disconnect();
    await this.#pool.end();
  }

  async #partitions(): Promise<readonly PartitionRow[]> {
    return (await this.#pool.query<PartitionRow>(partitionsSql, [this.#uid])).rows;
  }

  async #firstAfter({
    partition,
    incarnation,
    last_id,
  }: PartitionRow): Promise<string | undefined> {
    const key = streamKey({ uid: this.#uid, partition, incarnation });
    const entries = await this.#redis.xrange(key, `(${last_id}`, '+', 'COUNT', 1);
    return entries[0]?.[0];
  }

  async #backlog(rows: readonly PartitionRow[]): Promise<number> {
    const counts = await Promise.all(
      rows.map(async (row) => {
        const key = streamKey({ ...row, uid: this.#uid });
        // Enough to tell a little from a lot; a whole stream would be read for a figure.
        return (await this.#redis.xrange(key, `(${row.last_id}`, '+', 'COUNT', 100)).length;
      }),
    );
    return counts.reduce((sum, one) => sum + one, 0);
  }
}

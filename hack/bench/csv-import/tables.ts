/**
 * The tables on both sides of the comparison: the same columns, the same key, the same rows before
 * the load, and no other index. Ours has the shape that Millrace creates, made here so that it can
 * hold rows before.
 */
import { Client } from 'pg';
import type { RunningBackend } from '../../backends/backend.ts';
import type { Bar } from './bars.ts';
import { columnNames, columns, firstId, key } from './data.ts';

export const plainTable = 'plain';
export const stagingTable = 'staging';
export const importTable = 'imported';

const definitions = [
  ...columns.map(({ name, sql }) => `${name} ${sql}`),
  '_millrace_pos bigint NOT NULL DEFAULT 0',
];

export interface CrewFigures {
  readonly commitMs: number;
  readonly usualMs: number;
  readonly share: number;
}

export class Tables implements AsyncDisposable {
  readonly #owner: Client;
  readonly #superuser: Client;

  private constructor(owner: Client, superuser: Client) {
    this.#owner = owner;
    this.#superuser = superuser;
  }

  static async open({ url, extra }: RunningBackend): Promise<Tables> {
    const owner = new Client({ connectionString: extra.ownerUrl ?? url });
    const superuser = new Client({ connectionString: extra.superuserUrl ?? extra.ownerUrl ?? url });
    await owner.connect();
    await superuser.connect();
    return new Tables(owner, superuser);
  }

  async version(): Promise<string> {
    const { rows } = await this.#owner.query<{ server_version: string }>('SHOW server_version');
    return rows[0]?.server_version ?? '';
  }

  /** Settings that make a comparison of durable loads what it says. */
  async settings(): Promise<string> {
    const { rows } = await this.#owner.query<{ text: string }>(
      `SELECT string_agg(name || '=' || current_setting(name), ', ' ORDER BY name) AS text FROM pg_settings
       WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers', 'max_wal_size', 'wal_level')`,
    );
    return rows[0]?.text ?? '';
  }

  async dropAll(): Promise<void> {
    const names = [plainTable, stagingTable, importTable, `${importTable}_rejects`];
    await this.#owner.query(`DROP TABLE IF EXISTS ${names.join(', ')}`);
  }

  /** The table as it is before the load. */
  async prepare(table: string, bar: Bar, rows: number): Promise<void> {
    await this.#owner.query(
      `CREATE TABLE ${table} (${definitions.join(', ')}, PRIMARY KEY (${key}))`,
    );
    if (!bar.isHeld) return;
    await this.#owner.query(
      `INSERT INTO ${table} (${columnNames.join()})
       SELECT id, 'Before', 'Before', 'before@example.com', now(), 1, 1.5, true
       FROM generate_series(${String(firstId)}, ${String(firstId + rows - 1)}, 2) AS id`,
    );
    await this.#owner.query(`VACUUM (ANALYZE) ${table}`);
  }

  async prepareStaging(): Promise<void> {
    await this.#owner.query(`CREATE TABLE ${stagingTable} (${definitions.join(', ')})`);
  }

  /** So that no run pays for the pages of the one before it. */
  async checkpoint(): Promise<void> {
    await this.#superuser.query('CHECKPOINT');
  }

  /** Rows and a sum of hashes of what users see; equal for equal tables in any order. */
  async fingerprint(table: string): Promise<string> {
    const { rows } = await this.#owner.query<{ print: string }>(
      `SELECT count(*) || ':' || sum(hashtextextended(ROW(${columnNames.join()})::text, 0)) AS print FROM ${table}`,
    );
    return rows[0]?.print ?? '';
  }

  /** What the workers of the last import said of themselves last. */
  async lastCrew(): Promise<CrewFigures> {
    const { rows } = await this.#superuser.query<CrewFigures>(
      `SELECT coalesce(avg(commit_ms), 0) AS "commitMs", coalesce(avg(usual_ms), 0) AS "usualMs",
         coalesce(avg(share), 1) AS share FROM millrace.crew WHERE import =
         (SELECT uid FROM millrace.imports ORDER BY created_at DESC LIMIT 1)`,
    );
    return rows[0] ?? { commitMs: 0, usualMs: 0, share: 1 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owner.end();
    await this.#superuser.end();
  }
}

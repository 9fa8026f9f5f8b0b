/**
 * The smallest sink that keeps every promise of the port: two text columns, one table lock instead of
 * clever SQL. Flow tests use it, so that they fail for the flow's faults only.
 */
import { parseChunk } from '../src/csv/parser.ts';
import { fieldText } from '../src/csv/field-text.ts';
import type { ChunkResult } from '../src/chunks/claim.ts';
import type { Database, Session } from '../src/connectors/postgres/database.ts';
import type { ChunkInput, LoadContext, Sink } from '../src/csv-import/load/sink-port.ts';

export interface PlainSinkOptions {
  readonly ownerDb: Database;
  readonly table: string;
  readonly appRole: string;
  /** Runs inside the chunk's transaction, after its rows are written. */
  afterLoad?(tx: Session, input: ChunkInput): Promise<void>;
}

const positionBase = 2n ** 43n;

export function plainSink(options: PlainSinkOptions): Sink {
  const { ownerDb, table, appRole } = options;
  return {
    resolveColumns: () => ({ ignored: [] }),
    prepareTarget: async () => {
      await ownerDb.query(
        `CREATE TABLE IF NOT EXISTS ${table} (id text PRIMARY KEY, value text, _millrace_pos bigint);
         CREATE TABLE IF NOT EXISTS ${table}_rejects (import uuid, record_offset bigint, line bigint);
         GRANT ALL ON ${table}, ${table}_rejects TO ${appRole}`,
      );
      const { rows } = await ownerDb.query(`SELECT FROM ${table} LIMIT 1`);
      return { wasEmpty: rows.length === 0 };
    },
    loadChunk: async (tx, input, context) => {
      const result = await load(tx, { input, context, table });
      await options.afterLoad?.(tx, input);
      return result;
    },
    recount: async (db, it) => {
      const from = BigInt(it.seq) * positionBase;
      const { rows } = await db.query<{ loaded: string; rejected: string }>(
        `SELECT (SELECT count(*) FROM ${table} WHERE _millrace_pos >= $1 AND _millrace_pos < $2) AS loaded,
           (SELECT count(*) FROM ${table}_rejects WHERE import = $3) AS rejected`,
        [from, from + positionBase, it.import],
      );
      return { loaded: Number(rows[0]?.loaded), rejected: Number(rows[0]?.rejected) };
    },
    firstRejects: async (db, uid) => {
      const { rows } = await db.query<{ line: string }>(
        `SELECT line FROM ${table}_rejects WHERE import = $1 ORDER BY record_offset LIMIT 3`,
        [uid],
      );
      return rows.map((row) => `line ${row.line}: Ragged`);
    },
    buildIndexes: () => Promise.resolve(),
  };
}

interface Load {
  readonly input: ChunkInput;
  readonly context: LoadContext;
  readonly table: string;
}

async function load(tx: Session, { input, context, table }: Load): Promise<ChunkResult> {
  const newest = new Map<string, { value: string; offset: number }>();
  const rejects: { offset: number; line: number }[] = [];
  let superseded = 0;
  const counts = parseChunk(
    { bytes: input.bytes, offset: input.offset, dialect: context.dialect, maxRecordBytes: 1 << 20 },
    {
      bad: (bad) => rejects.push({ offset: bad.offset, line: input.firstLine + bad.line - 1 }),
      record: (record) => {
        const [id, value] = [fieldText(record, 0), fieldText(record, 1)];
        if (record.fieldCount !== 2 || id === undefined || value === undefined) {
          rejects.push({ offset: record.offset, line: input.firstLine + record.line - 1 });
          return;
        }
        if (newest.has(id)) superseded += 1;
        newest.set(id, { value, offset: record.offset });
      },
    },
  );
  const base = BigInt(context.seq) * positionBase;
  await tx.query(`LOCK TABLE ${table} IN SHARE ROW EXCLUSIVE MODE`);
  const held = await tx.query(`SELECT FROM ${table} WHERE id = ANY ($1) AND _millrace_pos >= $2`, [
    [...newest.keys()],
    base,
  ]);
  await tx.query(
    `INSERT INTO ${table} SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])
     ON CONFLICT (id) DO UPDATE SET value = excluded.value, _millrace_pos = excluded._millrace_pos
     WHERE excluded._millrace_pos > ${table}._millrace_pos`,
    [
      [...newest.keys()],
      [...newest.values()].map((row) => row.value),
      [...newest.values()].map((row) => base + BigInt(row.offset)),
    ],
  );
  await tx.query(
    `INSERT INTO ${table}_rejects SELECT $1, * FROM unnest($2::bigint[], $3::bigint[])`,
    [input.import, rejects.map((it) => it.offset), rejects.map((it) => it.line)],
  );
  return {
    path: 'merge',
    read: counts.records + counts.bad,
    rejected: rejects.length,
    superseded: superseded + held.rowCount,
    comments: counts.comments,
    blank: counts.blank,
    reasons: rejects.length === 0 ? {} : { Ragged: rejects.length },
  };
}

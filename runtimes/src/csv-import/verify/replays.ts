/**
 * Rejects that were repaired, in a verification: the source still has them as they were, so each is
 * taken out of the expected rejects again and loaded as it was replayed. What the ledger says of a
 * chunk is compared as it was before.
 */
import type { Session, Sql } from '../../connectors/postgres/database.ts';
import { rejectPlace } from '../../sealing/associated-data.ts';
import type { KeyRingReader } from '../../sealing/key-ring.ts';
import { Opener } from '../../sealing/opener.ts';
import { keysOf } from '../load/sealing.ts';
import type { LoadContext, Sink } from '../load/sink-port.ts';
import { replayContext } from '../replay/replay.ts';
import type { DoneChunk } from './chunks.ts';
import type { ShadowedTables } from './tables.ts';

interface RawCount {
  readonly chunk: number;
  readonly reason: string;
  readonly rows: number;
}

const countsSql = `
SELECT chunk, reason, count(*)::int AS rows FROM millrace.replays
WHERE import = $1 GROUP BY chunk, reason`;

/** The chunks with the rejects that they had before any was replayed. */
export async function beforeReplays(
  db: Sql,
  uid: string,
  chunks: readonly DoneChunk[],
): Promise<readonly DoneChunk[]> {
  if (!(await hasReplays(db))) return chunks;
  const { rows } = await db.query<RawCount>(countsSql, [uid]);
  const replayed = Map.groupBy(rows, ({ chunk }) => chunk);
  return chunks.map((chunk) => {
    const reasons: Record<string, number> = { ...chunk.counts.reasons };
    let { rejected } = chunk.counts;
    for (const { reason, rows: count } of replayed.get(chunk.chunk) ?? []) {
      reasons[reason] = (reasons[reason] ?? 0) + count;
      rejected += count;
    }
    return { ...chunk, counts: { ...chunk.counts, rejected, reasons } };
  });
}

/** A ledger of an older version has none. */
async function hasReplays(db: Sql): Promise<boolean> {
  const { rows } = await db.query<{ found: boolean }>(
    "SELECT to_regclass('millrace.replays') IS NOT NULL AS found",
  );
  return rows[0]?.found === true;
}

export interface ReplayAgain {
  readonly import: string;
  readonly table: string;
  readonly tables: Pick<ShadowedTables, 'expectedRejects'>;
  readonly context: LoadContext;
  readonly sink: Sink;
  /** Needed where a column is sealed. */
  readonly keys: KeyRingReader | undefined;
}

interface RawReplay {
  readonly record_offset: string;
  readonly chunk: number;
  readonly line: string | null;
  readonly record: Buffer;
  readonly record_sealed: boolean;
  readonly superseded: boolean;
}

export interface Replayed {
  readonly count: number;
  /** Of these, the ones that found their key held by another record. */
  readonly superseded: number;
}

const pageRows = 200;
const replaysSql = `
SELECT record_offset, chunk, line, record, record_sealed, superseded FROM millrace.replays
WHERE import = $1 AND record_offset > $2 ORDER BY record_offset LIMIT ${pageRows}`;

/** How many there were. */
export async function replayAgain(session: Session, options: ReplayAgain): Promise<Replayed> {
  if (!(await hasReplays(session))) return { count: 0, superseded: 0 };
  const { import: uid, context } = options;
  const replaying = { ...options, context: replayContext(context) };
  let count = 0;
  let superseded = 0;
  for (let after = -1; ;) {
    const { rows } = await session.query<RawReplay>(replaysSql, [uid, after]);
    for (const row of rows) await loadOne(session, row, replaying);
    count += rows.length;
    superseded += rows.filter((row) => row.superseded).length;
    if (rows.length < pageRows) return { count, superseded };
    after = Number(rows.at(-1)?.record_offset);
  }
}

async function loadOne(
  session: Session,
  { record_offset, chunk, line, record, record_sealed }: RawReplay,
  { import: uid, table, tables, context, sink, keys }: ReplayAgain,
): Promise<void> {
  const offset = Number(record_offset);
  const bytes = record_sealed
    ? new Opener(keysOf(keys)).open(record, rejectPlace(table, uid, offset))
    : record;
  const input = { import: uid, chunk, offset, firstLine: Number(line ?? 0), tooLong: false, bytes };
  await session.query('BEGIN');
  await session.query(`DELETE FROM ${tables.expectedRejects} WHERE record_offset = $1`, [offset]);
  await sink.loadChunk(session, input, context);
  await session.query('COMMIT');
}

/** The chunks that are cut so far, for whoever must read the source from its start again. */
import type { Sql } from '../connectors/postgres/database.ts';
import { chunkColumns, plannedChunk, type ChunkRow } from './chunk-row.ts';
import type { ChunkRef } from './claim.ts';
import type { PlannedChunk } from './plan.ts';

export interface KnownChunk extends PlannedChunk {
  readonly isDone: boolean;
}

interface RawChunk extends ChunkRow {
  readonly is_done: boolean;
  readonly digest: Buffer | null;
}

const plannedSql = `
SELECT ${chunkColumns}, done_at IS NOT NULL AS is_done, digest
FROM millrace.chunks WHERE import = $1 ORDER BY chunk`;

/** In the order of the source. A chunk has megabytes, so even of a terabyte the list is small. */
export async function readPlannedChunks(db: Sql, uid: string): Promise<readonly KnownChunk[]> {
  const { rows } = await db.query<RawChunk>(plannedSql, [uid]);
  return rows.map((row) => ({
    ...plannedChunk(row),
    isDone: row.is_done,
    ...(row.digest === null ? {} : { digest: row.digest }),
  }));
}

/** One chunk; undefined when the plan has no such chunk. */
export async function readPlannedChunk(db: Sql, ref: ChunkRef): Promise<PlannedChunk | undefined> {
  const { rows } = await db.query<ChunkRow>(
    `SELECT ${chunkColumns} FROM millrace.chunks WHERE import = $1 AND chunk = $2`,
    [ref.import, ref.chunk],
  );
  const [row] = rows;
  return row === undefined ? undefined : plannedChunk(row);
}

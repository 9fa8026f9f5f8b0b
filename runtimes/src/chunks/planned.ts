/** The chunks that are cut so far, for whoever must read the source from its start again. */
import type { Sql } from '../connectors/postgres/database.ts';
import type { ChunkRef } from './claim.ts';
import type { PlannedChunk } from './plan.ts';

export interface KnownChunk extends PlannedChunk {
  readonly isDone: boolean;
}

interface RawChunk {
  readonly chunk: number;
  readonly offset: string;
  readonly length: string;
  readonly first_line: string;
  readonly too_long: boolean;
  readonly is_done: boolean;
  readonly digest: Buffer | null;
}

const plannedSql = `
SELECT chunk, "offset", length, first_line, too_long, done_at IS NOT NULL AS is_done, digest
FROM millrace.chunks WHERE import = $1 ORDER BY chunk`;

/** In the order of the source. A chunk has megabytes, so even of a terabyte the list is small. */
export async function readPlannedChunks(db: Sql, uid: string): Promise<readonly KnownChunk[]> {
  const { rows } = await db.query<RawChunk>(plannedSql, [uid]);
  return rows.map((row) => ({
    chunk: row.chunk,
    offset: Number(row.offset),
    length: Number(row.length),
    firstLine: Number(row.first_line),
    tooLong: row.too_long,
    isDone: row.is_done,
    ...(row.digest === null ? {} : { digest: row.digest }),
  }));
}

/** Where the chunk begins; undefined when the plan has no such chunk. */
export async function readChunkOffset(db: Sql, ref: ChunkRef): Promise<number | undefined> {
  const { rows } = await db.query<{ offset: string }>(
    'SELECT "offset" FROM millrace.chunks WHERE import = $1 AND chunk = $2',
    [ref.import, ref.chunk],
  );
  const [row] = rows;
  return row === undefined ? undefined : Number(row.offset);
}

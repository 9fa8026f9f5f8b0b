/** What the ledger says of each chunk that is done, and whether a second reading says the same. */
import { chunkColumns, plannedChunk, type ChunkRow } from '../../chunks/chunk-row.ts';
import type { ChunkResult } from '../../chunks/claim.ts';
import type { Sql } from '../../connectors/postgres/database.ts';
import type { ChunkInput } from '../load/sink-port.ts';

export interface DoneChunk extends Omit<ChunkInput, 'bytes'> {
  readonly length: number;
  readonly counts: Pick<ChunkResult, 'read' | 'rejected' | 'comments' | 'blank' | 'reasons'>;
}

interface RawChunk extends ChunkRow {
  readonly read: string;
  readonly rejected: string;
  readonly comments: string;
  readonly blank: string;
  readonly reasons: Readonly<Record<string, number>> | null;
}

const chunksSql = `
SELECT ${chunkColumns}, read, rejected, comments, blank, reasons
FROM millrace.chunks WHERE import = $1 AND done_at IS NOT NULL ORDER BY chunk`;

/** In the order of the source. A chunk has megabytes, so even of a terabyte the list is small. */
export async function readDoneChunks(db: Sql, uid: string): Promise<readonly DoneChunk[]> {
  const { rows } = await db.query<RawChunk>(chunksSql, [uid]);
  return rows.map((row) => ({
    import: uid,
    ...plannedChunk(row),
    counts: {
      read: Number(row.read),
      rejected: Number(row.rejected),
      comments: Number(row.comments),
      blank: Number(row.blank),
      reasons: row.reasons ?? {},
    },
  }));
}

/** Superseded records are not compared: which of two chunks counted one depends on their order. */
export function sameCounts({ counts }: DoneChunk, result: ChunkResult): boolean {
  const isEqual = (['read', 'rejected', 'comments', 'blank'] as const).every(
    (name) => counts[name] === result[name],
  );
  const reasons = new Set([...Object.keys(counts.reasons), ...Object.keys(result.reasons)]);
  return (
    isEqual &&
    [...reasons].every((name) => (counts.reasons[name] ?? 0) === (result.reasons[name] ?? 0))
  );
}

/** Bytes of the data, from its start to the end of the source, that no chunk covers exactly once. */
export function uncoveredBytes(
  chunks: readonly DoneChunk[],
  data: { readonly start: number; readonly end: number },
): number {
  let uncovered = 0;
  let at = data.start;
  for (const { offset, length } of chunks) {
    uncovered += Math.abs(offset - at);
    at = offset + length;
  }
  return uncovered + Math.abs(data.end - at);
}

/** Where a chunk is in its source, as the ledger has it: one list of columns for all who read it. */
import type { PlannedChunk } from './plan.ts';

export const chunkColumns = 'chunk, "offset", length, first_line, too_long';

/** What Postgres gives for these columns: 64-bit numbers come as text. */
export interface ChunkRow {
  readonly chunk: number;
  readonly offset: string;
  readonly length: string;
  readonly first_line: string;
  readonly too_long: boolean;
}

export function plannedChunk(row: ChunkRow): PlannedChunk {
  return {
    chunk: row.chunk,
    offset: Number(row.offset),
    length: Number(row.length),
    firstLine: Number(row.first_line),
    tooLong: row.too_long,
  };
}

/**
 * Claiming a chunk: the first statement of the transaction that loads it.
 *
 * The claim marks the chunk done, so it commits with the rows or not at all, and its row lock is the
 * sign of life of whoever works on the chunk. It holds the import's row FOR SHARE: an import that was
 * ended or fenced off can have no transaction commit after that. A second worker with the same chunk
 * waits for the lock and then finds the chunk done, or takes over when the first one died.
 */
import type { Sql } from '../connectors/postgres/database.ts';
import { Transient } from '@millrace/kit/transient';
import { chunkColumns, plannedChunk, type ChunkRow } from './chunk-row.ts';
import type { CutChunk } from './plan.ts';
import { recordSealingKey } from './sealing-keys.ts';
import { noteDuplicates, type Duplicate } from './duplicates.ts';

export interface ChunkRef {
  readonly import: string;
  readonly chunk: number;
}

/** What the ledger says of the chunk; a message that disagrees is stale. */
export type ClaimedChunk = ChunkRef & CutChunk;

export type Claim =
  | { readonly claimed: true; readonly chunk: ClaimedChunk }
  /**
   * Done: committed before. Busy: another worker holds it for long. Ended: the import takes no more
   * chunks. Unknown: the ledger has no such chunk. In none of them is there anything to load.
   */
  | { readonly claimed: false; readonly why: 'Done' | 'Busy' | 'Ended' | 'Unknown' };

const claimSql = `
WITH open AS MATERIALIZED (
  SELECT i.uid FROM millrace.imports i
  WHERE i.uid = $1 AND i.state = 'Loading'
    AND NOT EXISTS (SELECT FROM millrace.plans p WHERE p.import = i.uid AND p.stopping)
  FOR SHARE
)
UPDATE millrace.chunks c SET done_at = clock_timestamp(), worker = $3
FROM open
WHERE c.import = open.uid AND c.chunk = $2 AND c.done_at IS NULL
RETURNING ${chunkColumns}`;

const whyNotSql = `
SELECT i.state, c.done_at IS NOT NULL AS done, c.chunk IS NOT NULL AS known
FROM millrace.imports i
LEFT JOIN millrace.chunks c ON c.import = i.uid AND c.chunk = $2
WHERE i.uid = $1`;

export async function claimChunk(tx: Sql, ref: ChunkRef, worker: string): Promise<Claim> {
  try {
    const { rows } = await tx.query<ChunkRow>(claimSql, [ref.import, ref.chunk, worker]);
    const [row] = rows;
    if (row === undefined) return { claimed: false, why: await whyNot(tx, ref) };
    return { claimed: true, chunk: { import: ref.import, ...plannedChunk(row) } };
  } catch (error) {
    if (error instanceof Transient && error.code === 'LockTimeout') {
      return { claimed: false, why: 'Busy' };
    }
    throw error;
  }
}

async function whyNot(tx: Sql, ref: ChunkRef): Promise<'Done' | 'Ended' | 'Unknown'> {
  const { rows } = await tx.query<{ done: boolean; known: boolean }>(whyNotSql, [
    ref.import,
    ref.chunk,
  ]);
  const [row] = rows;
  if (row === undefined || !row.known) return 'Unknown';
  return row.done ? 'Done' : 'Ended';
}

/** What became of a chunk's records; written in the chunk's own transaction. */
export interface ChunkResult {
  /** How the rows were loaded, for people. */
  readonly path: string;
  readonly read: number;
  readonly rejected: number;
  readonly superseded: number;
  readonly comments: number;
  readonly blank: number;
  /** Rejects by reason. */
  readonly reasons: Readonly<Record<string, number>>;
  /** The key under which the chunk's values were sealed; absent where no column is. */
  readonly sealingKey?: string;
  /** Records that lost their key, where such a record makes the import fail: the lowest three. */
  readonly duplicates?: readonly Duplicate[];
}

const finishSql = `
UPDATE millrace.chunks
SET path = $3, read = $4, rejected = $5, superseded = $6, comments = $7, blank = $8, reasons = $9
WHERE import = $1 AND chunk = $2`;

export async function finishChunk(tx: Sql, ref: ChunkRef, result: ChunkResult): Promise<void> {
  await tx.query(finishSql, [
    ref.import,
    ref.chunk,
    result.path,
    result.read,
    result.rejected,
    result.superseded,
    result.comments,
    result.blank,
    result.rejected === 0 ? null : JSON.stringify(result.reasons),
  ]);
  if (result.sealingKey !== undefined) await recordSealingKey(tx, ref, result.sealingKey);
  await noteDuplicates(tx, ref.import, result.duplicates ?? []);
}

/**
 * Finds chunks that nobody works on and no message announces, and has them published again.
 *
 * A chunk is idle when it is not done and its row is unlocked. Idle chunks may simply wait in the
 * queue, so they are called lost only when the queue held no message before they were looked at, and
 * the same was true at the tick before: a delivery on its way to its worker is in neither place for
 * a moment. Being wrong costs a duplicate message, which the claim finds done.
 */
import type { Database, Sql } from '../connectors/postgres/database.ts';
import { chunkColumns, plannedChunk, type ChunkRow } from './chunk-row.ts';
import type { PlannedChunk } from './plan.ts';

/** Bounds memory and the burst; the rest follows at the next ticks. */
const batchMax = 1_000;

const idleSql = `
SELECT ${chunkColumns} FROM millrace.chunks
WHERE import = $1 AND done_at IS NULL ORDER BY chunk LIMIT ${batchMax} FOR UPDATE SKIP LOCKED`;

async function idleChunks(tx: Sql, uid: string): Promise<PlannedChunk[]> {
  const { rows } = await tx.query<ChunkRow>(idleSql, [uid]);
  return rows.map(plannedChunk);
}

export interface RepublishOptions {
  readonly db: Database;
  readonly uid: string;
  /** Messages that wait for a worker. */
  readyCount(): Promise<number>;
}

export class LostChunks {
  readonly #options: RepublishOptions;
  #suspects: ReadonlySet<number> = new Set();
  #isFirst = true;

  constructor(options: RepublishOptions) {
    this.#options = options;
  }

  /** The queue is a new one: nothing was published to it yet. */
  startOver(): void {
    this.#suspects = new Set();
    this.#isFirst = true;
  }

  /** The chunks to publish again at this tick. */
  async find(): Promise<PlannedChunk[]> {
    const { db, uid } = this.#options;
    if ((await this.#options.readyCount()) > 0) {
      this.#suspects = new Set();
      this.#isFirst = false;
      return [];
    }
    const idle = await db.transaction((tx) => idleChunks(tx, uid));
    // At the start nobody knows what was published; an empty queue then means that nothing is there.
    const lost = this.#isFirst ? idle : idle.filter((chunk) => this.#suspects.has(chunk.chunk));
    this.#isFirst = false;
    this.#suspects = new Set(lost.length > 0 ? [] : idle.map((chunk) => chunk.chunk));
    return lost;
  }
}

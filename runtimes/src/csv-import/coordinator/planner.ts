/**
 * Cuts the source into chunks and writes them to the ledger as it goes.
 *
 * Goes on where the ledger's plan ends, so a restart repeats nothing. Workers start on the first
 * chunks while the rest is cut. Memory is bounded by the scanner; blocks are read one at a time.
 */
import { appendChunks, readPlan, type CutChunk, type PlannedChunk } from '../../chunks/plan.ts';
import { LineCounter } from '../../chunks/line-counter.ts';
import type { Database } from '../../connectors/postgres/database.ts';
import { BoundaryScanner, type PlannedChunk as Boundary } from '../../csv/boundaries.ts';
import type { Dialect } from '../../csv/dialect.ts';
import { unitsOf } from '../../csv/units.ts';
import type { Source, SourceIdentity } from '../source/source.ts';

/** Large enough that reading is not felt, small enough that SIGTERM is. */
const blockBytes = 4 * 1_048_576;

export interface PlanOptions {
  readonly db: Database;
  readonly uid: string;
  readonly source: Source;
  readonly pinned: SourceIdentity;
  readonly dialect: Dialect;
  readonly chunkBytes: number;
  readonly maxRecordBytes: number;
  /** Told of chunks once they are in the ledger. */
  planned(chunks: readonly PlannedChunk[]): void;
}

/** Resolves when the plan is complete or the signal aborts. */
export async function planChunks(options: PlanOptions, signal: AbortSignal): Promise<void> {
  const { db, uid, source, pinned } = options;
  const plan = await readPlan(db, uid);
  if (plan.complete) return;
  const start = plan.plannedTo;
  const scanner = new BoundaryScanner({ ...options, start });
  const lines = new LineCounter({ offset: start, line: plan.nextLine }, unitsOf(options.dialect));

  const write = async (boundaries: readonly Boundary[], complete: boolean): Promise<void> => {
    const cut = await withLines(boundaries, lines, (range) => source.readRange(pinned, range));
    const nextLine = cut.nextLine ?? plan.nextLine;
    const added = await db.transaction((tx) =>
      appendChunks(tx, uid, { chunks: cut.chunks, nextLine, complete }),
    );
    if (added.length > 0) options.planned(added);
  };

  for await (const block of source.readBlocks(pinned, { from: start, blockBytes })) {
    if (signal.aborted) return;
    lines.feed(block);
    const boundaries = scanner.feed(block);
    if (boundaries.length > 0) await write(boundaries, false);
  }
  if (signal.aborted) return;
  await write(scanner.finish(), true);
}

/** `read` gives bytes that were fed to the counter before. */
export async function withLines(
  boundaries: readonly Boundary[],
  lines: LineCounter,
  read: (range: { offset: number; length: number }) => Promise<Buffer>,
): Promise<{ chunks: CutChunk[]; nextLine: number | undefined }> {
  const chunks: CutChunk[] = [];
  for (const { offset, length, tooLong } of boundaries) {
    const firstLine = await lines.lineAt(offset, read);
    chunks.push({ offset, length, firstLine, tooLong: tooLong ?? false });
  }
  const last = chunks.at(-1);
  return {
    chunks,
    nextLine: last === undefined ? undefined : await lines.lineAt(last.offset + last.length, read),
  };
}

/**
 * Loads a source that can be read from its start only: cut and loaded here, chunk by chunk, through
 * the same ledger that workers use.
 *
 * A chunk is in the ledger, with a digest of its bytes, before it is loaded, so that whoever goes on
 * after a crash cuts alike. To resume, the stream is read from its start: what is planned is compared
 * with its digests (another content ends the import as SourceChanged), what is not done is loaded, and
 * cutting goes on where the plan ends. Each chunk is loaded exactly as a worker would, isolation of
 * records that kill included. Memory: one chunk and the longest record, a few times.
 */
import { Failure } from '@millrace/kit/failure';
import { backoffMs, defaultBackoff } from '@millrace/kit/retry';
import { Transient } from '@millrace/kit/transient';
import { LineCounter } from '../../chunks/line-counter.ts';
import { appendChunks, readPlan, type CutChunk, type Plan } from '../../chunks/plan.ts';
import { readPlannedChunks, type KnownChunk } from '../../chunks/planned.ts';
import { BoundaryScanner, type PlannedChunk as Boundary } from '../../csv/boundaries.ts';
import { unitsOf } from '../../csv/units.ts';
import { contentChanged } from '../source/changed.ts';
import type { Source, SourceRange } from '../source/source.ts';
import { StreamWindow } from '../source/stream-window.ts';
import { readContext, tooLongBytesMax, workChunk } from '../worker/chunk-work.ts';
import type { LoadingContext } from './loading.ts';
import { withLines } from './planner.ts';

/** Small enough that the first rows are soon there, large enough for the scanner. */
const blockBytes = 1_048_576;

interface StreamLoading {
  readonly context: LoadingContext;
  readonly window: StreamWindow;
  readonly signal: AbortSignal;
  /** Resolves when the chunk is loaded, or the signal aborts. */
  load(chunk: number): Promise<void>;
}

/** Resolves when everything is cut and loaded, or when the signal aborts. */
export async function loadSequentially(
  context: LoadingContext,
  signal: AbortSignal,
): Promise<void> {
  const { db, uid, source, pinned, config, chunkBytes, bump } = context;
  const plan = await readPlan(db, uid);
  const known = await readPlannedChunks(db, uid);
  // Whoever loaded the last of them may have died before it bumped, and nobody loads them again.
  if (known.some(({ isDone }) => isDone)) await bump?.();
  if (plan.complete && known.every(({ isDone }) => isDone)) return;
  const start = known[0]?.offset ?? plan.plannedTo;
  const window = new StreamWindow(source.readBlocks(pinned, { from: start, blockBytes }), {
    start,
    // The scanner may look at half as much again as a record before it knows that it is too long.
    bytesMax: chunkBytes + 2 * config.maxRecordBytes + 4 * blockBytes,
    signal,
  });
  try {
    const it = { context, window, signal, load: await loader(context, window, signal) };
    for (const chunk of known) await readAgain(it, chunk);
    if (!plan.complete && !signal.aborted) await readOn(it, plan);
    if (!signal.aborted) await requireDone(context);
  } finally {
    window.close();
  }
}

/** What another coordinator planned meanwhile was not loaded here: the next attempt finds it. */
async function requireDone({ db, uid }: LoadingContext): Promise<void> {
  const planned = await readPlannedChunks(db, uid);
  if (planned.every(({ isDone }) => isDone)) return;
  throw new Transient(
    'PlannedElsewhere',
    'Another coordinator planned chunks of this import meanwhile; they are read again.',
  );
}

/** The next block, counted in the progress. */
async function pull({ context, window }: StreamLoading): Promise<Buffer | undefined> {
  const block = await window.pull();
  const { stored, read } = context.source.progress?.() ?? { stored: 0, read: window.end };
  context.board.streamed({ stored, read });
  return block;
}

/** A chunk of an earlier start: compared, and loaded if nobody has come so far. */
async function readAgain(it: StreamLoading, chunk: KnownChunk): Promise<void> {
  const { context, window, signal } = it;
  const end = chunk.offset + chunk.length;
  const part = beginningOf(chunk);
  const reach = async (offset: number): Promise<void> => {
    while (window.end < offset && !signal.aborted) {
      const block = await pull(it);
      if (block === undefined && !signal.aborted) throw contentChanged(context.source.label);
    }
  };
  await reach(part.offset + part.length);
  if (signal.aborted) return;
  const isOther = chunk.digest !== undefined && window.digest(part)?.equals(chunk.digest) !== true;
  if (isOther) throw contentChanged(context.source.label);
  if (!chunk.isDone) await it.load(chunk.chunk);
  await reach(end);
  window.release(end);
}

/** Of a record that is too long only the beginning is held. */
function beginningOf({ offset, length, tooLong }: CutChunk): SourceRange {
  return { offset, length: tooLong ? Math.min(length, tooLongBytesMax) : length };
}

async function readOn(it: StreamLoading, plan: Plan): Promise<void> {
  const { context, window, signal } = it;
  const start = plan.plannedTo;
  const { dialect, chunkBytes, config } = context;
  const { maxRecordBytes } = config;
  const scanner = new BoundaryScanner({ dialect, chunkBytes, maxRecordBytes, start });
  const lines = new LineCounter({ offset: start, line: plan.nextLine }, unitsOf(dialect));
  const feed = async (bytes: Buffer): Promise<void> => {
    lines.feed(bytes);
    await cut(it, { boundaries: scanner.feed(bytes), lines, isLast: false });
  };
  const rest = window.copy({ offset: start, length: Math.max(0, window.end - start) });
  if (rest !== undefined && rest.length > 0) await feed(rest);
  for (let block = await pull(it); block !== undefined; block = await pull(it)) {
    await feed(block);
    if (signal.aborted) return;
  }
  if (signal.aborted) return;
  await cut(it, { boundaries: scanner.finish(), lines, isLast: true });
}

interface Cut {
  readonly boundaries: readonly Boundary[];
  readonly lines: LineCounter;
  readonly isLast: boolean;
}

/** Plans the chunks, then loads them. */
async function cut(it: StreamLoading, { boundaries, lines, isLast }: Cut): Promise<void> {
  if (boundaries.length === 0 && !isLast) return;
  const { context, window, signal } = it;
  const { db, uid } = context;
  const read = reader(context, window);
  const { chunks, nextLine = 0 } = await withLines(boundaries, lines, read);
  const digested: CutChunk[] = [];
  for (const chunk of chunks) {
    const digest = window.digest(beginningOf(chunk));
    digested.push({ ...chunk, ...(digest === undefined ? {} : { digest }) });
  }
  const addition = { chunks: digested, nextLine, complete: isLast };
  const added = await db.transaction((tx) => appendChunks(tx, uid, addition));
  for (const chunk of added) {
    if (signal.aborted) return;
    await it.load(chunk.chunk);
    window.release(chunk.offset + chunk.length);
  }
}

/** From the window; what is not in it is read from the start, which is slow and right. */
function reader(
  { source, pinned }: LoadingContext,
  window: StreamWindow,
): (range: SourceRange) => Promise<Buffer> {
  return async (range) => window.copy(range) ?? (await source.readRange(pinned, range));
}

async function loader(
  context: LoadingContext,
  window: StreamWindow,
  signal: AbortSignal,
): Promise<StreamLoading['load']> {
  const { clock, telemetry, bump } = context;
  const pinnedContext = await readContext(context);
  const read = reader(context, window);
  const source: Source = { ...context.source, readRange: (_pinned, range) => read(range) };
  const options = { ...context, source };
  const isThrough = async (chunk: number): Promise<boolean> => {
    const outcome = await workChunk(chunk, pinnedContext, options);
    // Also for a chunk that was done already: its coordinator may have died before it bumped.
    if (outcome === 'Loaded' || outcome === 'Done') await bump?.({ chunk, outcome });
    return outcome === 'Loaded' || outcome === 'Done';
  };
  return async (chunk) => {
    for (let failures = 0; !signal.aborted;) {
      try {
        if (await isThrough(chunk)) return;
        // Held by a coordinator that died, or the import is about to end.
        await clock.sleep(busyWaitMs, signal);
      } catch (error) {
        if (!isOfChunk(error)) throw error;
        failures += 1;
        const waitMs = backoffMs(failures, defaultBackoff);
        telemetry.waiting(error, waitMs);
        await clock.sleep(waitMs, signal);
      }
    }
  };
}

const busyWaitMs = 500;

/** What the next attempt may do better, or the ledger counts until the import is given up. */
function isOfChunk(error: unknown): error is Failure {
  if (!(error instanceof Failure) || error.family === 'Fault') return false;
  return error.backend !== 'source';
}

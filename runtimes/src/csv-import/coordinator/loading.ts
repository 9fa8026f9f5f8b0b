/**
 * The part of a coordinator's life in which workers load: cut the source, announce chunks, watch.
 *
 * Cutting runs beside a heartbeat on the target and a tick that repairs the queue, counts, and looks
 * for reasons to end: all chunks done, too many rejects, a source that changed, a chunk that is refused
 * again and again. Whichever ends first ends both.
 */
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import type { Clock } from '@millrace/kit/clock';
import { Failure } from '@millrace/kit/failure';
import { Transient } from '@millrace/kit/transient';
import { setStopping } from '../../chunks/imports.ts';
import { readPlan, type Plan } from '../../chunks/plan.ts';
import { beatTarget } from '../../chunks/targets.ts';
import { readReasons, readTotals, type LedgerTotals } from '../../chunks/totals.ts';
import type { Database, Session } from '../../connectors/postgres/database.ts';
import type { Dialect } from '../../csv/dialect.ts';
import type { Announcer } from './announcer.ts';
import { refusedChunk } from '../../chunks/refused.ts';
import { suspectChunk } from '../../chunks/trials.ts';
import { ImportFailed } from '../failed.ts';
import { CrewWatch } from './crew-watch.ts';
import { planChunks } from './planner.ts';
import type { ProgressBoard } from './progress-board.ts';
import { tooManyRejects } from './reject-limits.ts';
import type { ColumnPlan, Sink } from '../load/sink-port.ts';
import { isSequential } from '../source/sequential-identity.ts';
import type { Source, SourceIdentity } from '../source/source.ts';
import type { ImportTelemetry } from '../telemetry.ts';
import type { CacheUpdate } from '../warm/warm-writer.ts';
import type { ChunkWorkOptions } from '../worker/chunk-work.ts';
import { loadSequentially } from './sequential-loading.ts';

export interface LoadingContext {
  readonly config: CsvImportPodConfig;
  readonly db: Database;
  readonly clock: Clock;
  readonly sink: Sink;
  readonly uid: string;
  readonly seq: number;
  readonly source: Source;
  readonly pinned: SourceIdentity;
  readonly dialect: Dialect;
  readonly columns: ColumnPlan;
  readonly chunkBytes: number;
  readonly board: ProgressBoard;
  readonly announcer: Announcer;
  readonly pingCache?: () => Promise<void>;
  /** What loading here, as a worker does, needs beside. */
  readonly telemetry: ImportTelemetry;
  readonly name: string;
  readonly bump?: CacheUpdate | undefined;
  readonly isolation?: NonNullable<ChunkWorkOptions['isolation']>;
  /** The session that holds the advisory lock; when it dies, another coordinator may start. */
  readonly lock: Session;
}

/** Short, so that a small import is not slower than its work. */
const tickMs = 250;
/** The tick may cost at most a tenth of the time, however many chunks there are. */
const tickShare = 10;
const beatEveryMs = 1_000;
const sourceCheckEveryMs = 2_000;

/** Resolves when every chunk is done, or Stopped when the signal aborts. */
export async function loadAll(
  context: LoadingContext,
  signal: AbortSignal,
): Promise<'AllDone' | 'Stopped'> {
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const planning = isSequential(context.pinned)
    ? loadSequentially(context, both)
    : planChunks(
        {
          ...context,
          maxRecordBytes: context.config.maxRecordBytes,
          planned: (chunks) => context.announcer.publish(chunks),
        },
        both,
      );
  const watching = whileBeating(context, () => watch(context, both));
  try {
    // A failure of either ends the attempt; cutting that is finished does not.
    await Promise.race([watching, planning.then(() => watching)]);
    return await watching;
  } catch (error) {
    // Shown now: the other half may wait for a frozen server before this attempt is over.
    if (error instanceof Transient) context.board.waitFor(error);
    throw error;
  } finally {
    stop.abort();
    await Promise.allSettled([planning, watching]);
  }
}

async function watch(context: LoadingContext, signal: AbortSignal): Promise<'AllDone' | 'Stopped'> {
  const { clock } = context;
  const crew = new CrewWatch(clock);
  let beatMs = -Infinity;
  let checkedMs = clock.monotonic();
  while (!signal.aborted) {
    const startMs = clock.monotonic();
    if (startMs - beatMs >= beatEveryMs) {
      beatMs = startMs;
      await beat(context, crew);
    }
    if (startMs - checkedMs >= sourceCheckEveryMs) {
      checkedMs = startMs;
      await context.source.check(context.pinned);
    }
    const { totals, plan } = await count(context);
    if (plan.complete && totals.chunksDone === plan.chunks) return 'AllDone';
    await stopEarly(context, totals);
    const tookMs = clock.monotonic() - startMs;
    await clock.sleep(Math.max(tickMs, tookMs * tickShare), signal);
  }
  return 'Stopped';
}

/** What is done every second: repairs the queue, and looks for work that cannot succeed. */
async function beat(context: LoadingContext, crew: CrewWatch): Promise<void> {
  const { db, uid, config, announcer, board } = context;
  // What this process loads by itself, nobody else is told of.
  if (!isSequential(context.pinned)) await announcer.keepUp();
  await observeCache(context);
  await context.sink.requireKeys?.();
  board.suspects(await suspectChunk(db, uid));
  const facts = await crew.look(db, { uid, name: config.import.name });
  if (facts !== undefined) board.crewSeen(facts);
  const refused = await refusedChunk(db, uid);
  if (refused !== undefined) {
    throw new ImportFailed(
      'ChunkRefused',
      `Chunk ${refused.chunk} failed ${refused.times} times with ${refused.outcome}. The workers’ logs say more.`,
    );
  }
}

/** On the lock's own session, whose short limits make a frozen server known within seconds. */
async function proveLife({ lock, uid, config }: LoadingContext): Promise<void> {
  if (await beatTarget(lock, uid)) return;
  throw new ImportFailed(
    'TargetLost',
    `Another import took the table ${config.target.table} while this one gave no sign of life. Create a new import.`,
  );
}

/** Beats beside the work: counting a large table, too, must not look like death to others. */
export async function whileBeating<T>(context: LoadingContext, work: () => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const beating = (async (): Promise<never> => {
    while (!stop.signal.aborted) {
      await proveLife(context);
      await context.clock.sleep(beatEveryMs, stop.signal);
    }
    return await new Promise<never>(() => undefined);
  })();
  beating.catch(() => undefined);
  try {
    return await Promise.race([work(), beating]);
  } finally {
    stop.abort();
  }
}

/** Workers wait for a cache that is away before they acknowledge; here it is only shown. */
async function observeCache({ pingCache, board }: LoadingContext): Promise<void> {
  if (pingCache === undefined) return;
  try {
    await pingCache();
    board.backendOk('redis');
  } catch (error) {
    if (!(error instanceof Failure) || error.family === 'Fault') throw error;
    board.backendFailed(error);
  }
}

async function count({
  db,
  uid,
  board,
}: LoadingContext): Promise<{ totals: LedgerTotals; plan: Plan }> {
  // The plan first: totals read after it can only be newer, so "all done" is never seen too late.
  const plan = await readPlan(db, uid);
  const totals = await readTotals(db, uid);
  const reasons = totals.rejected === 0 ? [] : await readReasons(db, uid);
  board.counted(totals, plan, reasons);
  board.backendOk('postgres');
  return { totals, plan };
}

/** Rejects only grow, so a count over the limit before the end is over it at the end. */
async function stopEarly(context: LoadingContext, totals: LedgerTotals): Promise<void> {
  const { maxRows } = context.config.rejects;
  if (totals.rejected <= maxRows) return;
  await setStopping(context.db, context.uid, true);
  throw await tooManyRejects(context, `more than rejects.maxRows ${maxRows}`);
}

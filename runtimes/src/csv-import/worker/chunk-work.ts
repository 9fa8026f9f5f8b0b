/**
 * One chunk, from its number to its commit. Knows nothing of the queue.
 *
 * Order, and why: attempt row (outlives us) → claim (first statement of the transaction) → read →
 * load → totals → commit. Dying anywhere before the commit leaves nothing; afterwards the chunk is
 * found done. Any order, repetition and number of workers give the same table.
 */
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import type { Clock } from '@millrace/kit/clock';
import { Failure } from '@millrace/kit/failure';
import { assert } from '@millrace/kit/fault';
import { Transient } from '@millrace/kit/transient';
import { beginAttempt, endAttempt } from '../../chunks/attempts.ts';
import {
  claimChunk,
  finishChunk,
  type ChunkRef,
  type ChunkResult,
  type ClaimedChunk,
} from '../../chunks/claim.ts';
import { readImport, type ImportRow } from '../../chunks/imports.ts';
import { readPlannedChunk } from '../../chunks/planned.ts';
import { deathsMin } from '../../chunks/poison.ts';
import type { Database, Session } from '../../connectors/postgres/database.ts';
import type { Dialect } from '../../csv/dialect.ts';
import type { Findings } from '../../csv/sniff-findings.ts';
import type { ColumnPlan, LoadContext, RecordSelection, Sink } from '../load/sink-port.ts';
import { isSequential } from '../source/sequential-identity.ts';
import type { Source, SourceIdentity } from '../source/source.ts';
import type { ImportTelemetry } from '../telemetry.ts';
import { isolateChunk } from './isolation.ts';
import type { Pace } from './pace.ts';
import type { RunTrial } from './trial-process.ts';
import type { LoadedAlone, Unclaimed } from './trial.ts';

/**
 * How long one statement of a chunk may take: a minute and what a very slow server needs for its
 * bytes. A frozen worker keeps its claim for so long, and a frozen server is noticed after it.
 */
export function chunkTimeoutMs(chunkBytes: number): number {
  const slowestBytesPerMs = 512;
  return 60_000 + Math.ceil(chunkBytes / slowestBytesPerMs);
}
/** Of a record that is too long only this much is read, for its reject. */
export const tooLongBytesMax = 65_536;

export interface ChunkWorkOptions {
  readonly config: CsvImportPodConfig;
  readonly db: Database;
  readonly sink: Sink;
  readonly source: Source;
  readonly clock: Clock;
  readonly telemetry: ImportTelemetry;
  /** Who works, in the ledger. */
  readonly name: string;
  /** Told how long chunks and commits take; without it nothing of the kind is known. */
  readonly pace?: Pace;
  /** How a chunk is tried that workers died with; without it, it is loaded like any other. */
  readonly isolation?: { readonly runTrial: RunTrial; readonly signal: AbortSignal };
}

/** What is pinned of the header. */
export interface PinnedHeader {
  readonly names: readonly string[] | null;
  /** The first byte of data. */
  readonly dataStart: number;
  /** Why the file is read as it is; older versions pinned none. */
  readonly findings?: Findings;
}

/** Everything pinned that loading needs. */
export interface PinnedContext extends LoadContext {
  readonly pinned: SourceIdentity;
  /** Memory for the next chunk, kept from the last: garbage of 16 MiB a chunk doubles a worker's size. */
  readonly spare: { buffer: Buffer | undefined };
}

/** Throws a Transient while the import takes no chunks. */
export async function readContext({
  db,
  config,
}: Pick<ChunkWorkOptions, 'db' | 'config'>): Promise<PinnedContext> {
  const it = await readImport(db, config.import.uid);
  if (it?.state !== 'Loading') {
    throw new Transient(
      'NotLoading',
      `The import takes no chunks now (${it?.state ?? 'unknown'}).`,
    );
  }
  return pinnedContext(it);
}

/** What was pinned, written by the coordinator of this version or an older one. */
export function pinnedContext(it: ImportRow): PinnedContext {
  assert(it.seq !== undefined && it.dialect !== undefined, 'a loading import is pinned');
  return {
    pinned: it.source as SourceIdentity,
    spare: { buffer: undefined },
    dialect: it.dialect as Dialect,
    header: (it.header as PinnedHeader).names,
    columns: it.columns as ColumnPlan,
    seq: it.seq,
    targetWasEmpty: it.targetWasEmpty ?? false,
  };
}

export type ChunkOutcome = 'Loaded' | 'Done' | 'Busy' | 'Ended' | 'Unknown';

export async function workChunk(
  chunk: number,
  context: PinnedContext,
  options: ChunkWorkOptions,
): Promise<ChunkOutcome> {
  const { db, config, telemetry, name } = options;
  const ref = { import: config.import.uid, chunk };
  const report = options.pace?.report(options.clock.monotonic());
  const begun = await beginAttempt(db, ref, { worker: name, report });
  if (begun === undefined) return 'Unknown';
  const { attempt, unheard } = begun;
  const { isolation } = options;
  telemetry.chunkStarted();
  const startedMs = options.clock.monotonic();
  try {
    const isSuspect = isolation !== undefined && unheard >= deathsMin;
    if (isSuspect) telemetry.chunkIsolated(chunk, unheard);
    const loaded = isSuspect
      ? await isolateChunk(ref, {
          ...isolation,
          db,
          name,
          telemetry,
          content: await contentInHand(ref, context, options),
        })
      : await loadAlone({ ref, attempt, context }, options);
    if (typeof loaded === 'string' || isSuspect) {
      await endAttempt(db, attempt, typeof loaded === 'string' ? loaded : 'Loaded');
    }
    if (typeof loaded === 'string') {
      telemetry.chunkSkipped(chunk, loaded);
      return loaded;
    }
    telemetry.chunkLoaded({ chunk, durationMs: options.clock.monotonic() - startedMs, ...loaded });
    return 'Loaded';
  } catch (error) {
    await recordFailure(error, { attempt, chunk, options });
    throw error;
  } finally {
    telemetry.chunkEnded();
  }
}

/** Of a stream, which every trial would have to read up to the chunk. */
async function contentInHand(
  ref: ChunkRef,
  { pinned }: PinnedContext,
  { db, source }: ChunkWorkOptions,
): Promise<Buffer | undefined> {
  if (!isSequential(pinned)) return undefined;
  const chunk = await readPlannedChunk(db, ref);
  return chunk === undefined ? undefined : await readChunk(source, pinned, chunk);
}

interface ChunkInHand {
  readonly ref: ChunkRef;
  readonly attempt: string;
  readonly context: PinnedContext;
}

async function loadAlone(
  { ref, attempt, context }: ChunkInHand,
  options: ChunkWorkOptions,
): Promise<LoadedAlone | Unclaimed> {
  const { db, config, clock, name, pace } = options;
  const startedMs = clock.monotonic();
  let storedMs = startedMs;
  const loaded = await db.transaction(
    async (tx) => {
      const claim = await claimChunk(tx, ref, name);
      if (!claim.claimed) return claim.why;
      const result = await loadClaimed(tx, claim.chunk, { context, options });
      await endAttempt(tx, attempt, 'Loaded');
      storedMs = clock.monotonic();
      return { bytes: claim.chunk.length, result };
    },
    { statementTimeoutMs: chunkTimeoutMs(config.chunkBytes) },
  );
  const endMs = clock.monotonic();
  if (typeof loaded !== 'string') {
    pace?.loaded({ chunkMs: endMs - startedMs, commitMs: endMs - storedMs });
  }
  return loaded;
}

/** The bytes of a chunk; of a record that is too long only the beginning. */
export async function readChunk(
  source: Source,
  pinned: SourceIdentity,
  chunk: Pick<ClaimedChunk, 'offset' | 'length' | 'tooLong'> & { readonly into?: Buffer },
): Promise<Buffer> {
  const { offset, length, tooLong, into } = chunk;
  return await source.readRange(pinned, {
    offset,
    length: tooLong ? Math.min(length, tooLongBytesMax) : length,
    into,
  });
}

/** Chunks differ by less than a record, so steps of this size make one buffer fit them all. */
const bufferStepBytes = 1024 * 1024;

interface Loading {
  readonly context: PinnedContext;
  readonly options: Pick<ChunkWorkOptions, 'sink' | 'source'>;
  readonly only?: RecordSelection;
}

/** Reads and loads in the transaction of the claim. */
export async function loadClaimed(
  tx: Session,
  chunk: ClaimedChunk,
  { context, options, only }: Loading,
): Promise<ChunkResult> {
  const { spare } = context;
  const needed = Math.ceil(chunk.length / bufferStepBytes) * bufferStepBytes;
  const isLargeEnough = spare.buffer !== undefined && spare.buffer.length >= chunk.length;
  const into = isLargeEnough || chunk.tooLong ? spare.buffer : Buffer.allocUnsafeSlow(needed);
  // Given back only after success: a read that was given up may still write into it.
  spare.buffer = undefined;
  const reading = into === undefined ? chunk : { ...chunk, into };
  const bytes = await readChunk(options.source, context.pinned, reading);
  const selection = only === undefined ? {} : { only };
  const result = await options.sink.loadChunk(tx, { ...chunk, ...selection, bytes }, context);
  spare.buffer = into;
  await finishChunk(tx, chunk, result);
  return result;
}

async function recordFailure(
  error: unknown,
  { attempt, chunk, options }: { attempt: string; chunk: number; options: ChunkWorkOptions },
): Promise<void> {
  const failure = error instanceof Failure ? error : undefined;
  if (failure !== undefined) options.telemetry.chunkFailed(chunk, failure);
  const outcome = failure === undefined ? 'Fault:Unknown' : `${failure.family}:${failure.code}`;
  // The ledger may be what failed; an attempt without an end says that much.
  await endAttempt(options.db, attempt, outcome).catch(() => undefined);
}

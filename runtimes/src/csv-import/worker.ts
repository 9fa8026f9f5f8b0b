/**
 * The worker role: takes one chunk at a time, loads it in one transaction, then acknowledges.
 *
 * Order, and why: attempt row (outlives us) → claim (first statement of the transaction) → read →
 * load → totals → commit → bump of the cache's generation → acknowledge. Dying anywhere before the
 * commit leaves nothing; after it, the delivery comes again, is found done, bumps and acknowledges.
 *
 * When a backend or the source fails, the consumer is cancelled, the delivery goes back and the
 * worker waits here until the surroundings answer again; good work is never dead-lettered. A worker
 * decides nothing about the import: what is permanently wrong it records in the attempt and leaves
 * to the coordinator.
 */
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import type { Clock } from '@millrace/kit/clock';
import { Failure } from '@millrace/kit/failure';
import { backoffMs, defaultBackoff } from '@millrace/kit/retry';
import { Transient } from '@millrace/kit/transient';
import { beginAttempt, endAttempt } from '../chunks/attempts.ts';
import { claimChunk, finishChunk, type ChunkResult, type ClaimedChunk } from '../chunks/claim.ts';
import { readImport } from '../chunks/imports.ts';
import type { Database, Session } from '../connectors/postgres/database.ts';
import { consume, type Delivery, type Verdict } from '../connectors/rabbitmq/consumer.ts';
import type { AmqpLink } from '../connectors/rabbitmq/link.ts';
import { readRange, type FileIdentity } from '../connectors/volume/file.ts';
import type { Dialect } from '../csv/dialect.ts';
import { decodeChunkMessage, queueName } from './messages.ts';
import type { ColumnPlan, LoadContext, Sink } from './sink-port.ts';
import type { ImportTelemetry } from './telemetry.ts';

/** A chunk of the largest size on a slow server; a worker frozen for longer loses its claim. */
export const chunkTimeoutMs = 600_000;
/** Of a record that is too long only this much is read, for its reject. */
const tooLongBytesMax = 65_536;

export interface WorkerOptions {
  readonly config: CsvImportPodConfig;
  readonly db: Database;
  readonly link: AmqpLink;
  readonly sink: Sink;
  /** Makes cached rows stale; absent with cache mode Off. */
  readonly bump: (() => Promise<void>) | undefined;
  readonly clock: Clock;
  readonly telemetry: ImportTelemetry;
  /** Who works, in the ledger. */
  readonly name: string;
  /** Told after each answer of the surroundings, for readiness. */
  observed?(failure: Failure | undefined): void;
}

/** Everything pinned that loading needs. */
interface PinnedContext extends LoadContext {
  readonly source: FileIdentity;
}

/** Works until the signal aborts; then finishes the chunk in hand. Throws Faults only. */
export async function runWorker(options: WorkerOptions, signal: AbortSignal): Promise<void> {
  const { config, clock, telemetry } = options;
  for (let failures = 0; !signal.aborted;) {
    try {
      const context = await readContext(options);
      options.observed?.(undefined);
      await consume(options.link, {
        queue: queueName(config.import.uid),
        signal,
        handle: async (delivery) => {
          const verdict = await handleDelivery(delivery, context, options);
          failures = 0;
          return verdict;
        },
      });
    } catch (error) {
      if (!(error instanceof Failure) || error.family === 'Fault') throw error;
      failures += 1;
      const waitMs = backoffMs(failures, defaultBackoff);
      options.observed?.(error);
      telemetry.waiting(error, waitMs);
      await clock.sleep(waitMs, signal);
    }
  }
}

async function readContext({ db, config }: WorkerOptions): Promise<PinnedContext> {
  const it = await readImport(db, config.import.uid);
  if (it?.state !== 'Loading' || it.seq === undefined) {
    throw new Transient(
      'NotLoading',
      `The import takes no chunks now (${it?.state ?? 'unknown'}).`,
    );
  }
  // Written by the coordinator of this same version or an older one; it pins what it understood.
  return {
    source: it.source as FileIdentity,
    dialect: it.dialect as Dialect,
    header: (it.header as { names: readonly string[] | null }).names,
    columns: it.columns as ColumnPlan,
    seq: it.seq,
    targetWasEmpty: it.targetWasEmpty ?? false,
  };
}

async function handleDelivery(
  delivery: Delivery,
  context: PinnedContext,
  options: WorkerOptions,
): Promise<Verdict> {
  const { config, telemetry } = options;
  const decoded = decodeChunkMessage(delivery.body, delivery.contentType);
  if (!decoded.ok) {
    telemetry.messageRefused(decoded.reason);
    return 'DeadLetter';
  }
  if (decoded.message.import !== config.import.uid) {
    telemetry.messageRefused('OtherImport');
    return 'DeadLetter';
  }
  const outcome = await attemptChunk(decoded.message.chunk, context, options);
  if (outcome === 'Unknown') {
    telemetry.messageRefused('UnknownChunk');
    return 'DeadLetter';
  }
  // Also for a chunk that was done already: its worker may have died between commit and bump.
  if (outcome === 'Loaded' || outcome === 'Done') await options.bump?.();
  return 'Ack';
}

type Outcome = 'Loaded' | 'Done' | 'Busy' | 'Ended' | 'Unknown';

async function attemptChunk(
  chunk: number,
  context: PinnedContext,
  options: WorkerOptions,
): Promise<Outcome> {
  const { db, config, telemetry, name } = options;
  const ref = { import: config.import.uid, chunk };
  const attempt = await beginAttempt(db, ref, name);
  if (attempt === undefined) return 'Unknown';
  telemetry.chunkStarted();
  const startedMs = options.clock.monotonic();
  try {
    const loaded = await db.transaction(
      async (tx) => {
        const claim = await claimChunk(tx, ref, name);
        if (!claim.claimed) return claim.why;
        const result = await loadClaimed(tx, claim.chunk, { context, options });
        await endAttempt(tx, attempt, 'Loaded');
        return { bytes: claim.chunk.length, result };
      },
      { statementTimeoutMs: chunkTimeoutMs },
    );
    if (typeof loaded === 'string') {
      await endAttempt(db, attempt, loaded);
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

async function loadClaimed(
  tx: Session,
  chunk: ClaimedChunk,
  { context, options }: { context: PinnedContext; options: WorkerOptions },
): Promise<ChunkResult> {
  const { offset, length, tooLong } = chunk;
  const bytes = await readRange(options.config.source.volume, context.source, {
    offset,
    length: tooLong ? Math.min(length, tooLongBytesMax) : length,
  });
  const result = await options.sink.loadChunk(tx, { ...chunk, bytes }, context);
  await finishChunk(tx, chunk, result);
  return result;
}

async function recordFailure(
  error: unknown,
  { attempt, chunk, options }: { attempt: string; chunk: number; options: WorkerOptions },
): Promise<void> {
  const failure = error instanceof Failure ? error : undefined;
  if (failure !== undefined) options.telemetry.chunkFailed(chunk, failure);
  const outcome = failure === undefined ? 'Fault:Unknown' : `${failure.family}:${failure.code}`;
  // The ledger may be what failed; an attempt without an end says that much.
  await endAttempt(options.db, attempt, outcome).catch(() => undefined);
}

/**
 * The worker role: takes one chunk at a time, loads it in one transaction, bumps the cache's
 * generation, then acknowledges.
 *
 * Dying before the commit leaves nothing; after it, the delivery comes again, is found done, bumps
 * and is acknowledged.
 *
 * When a backend or the source fails, the consumer is cancelled, the delivery goes back and the
 * worker waits here until the surroundings answer again; good work is never dead-lettered. A worker
 * decides nothing about the import: what is permanently wrong it records in the attempt and leaves
 * to the coordinator. How fast it goes is up to its pace: see pace.ts.
 */
import { Failure } from '@millrace/kit/failure';
import { backoffMs, defaultBackoff } from '@millrace/kit/retry';
import { Transient } from '@millrace/kit/transient';
import { readQueueNumber } from '../../chunks/queue-number.ts';
import { consume, type Delivery, type Verdict } from '../../connectors/rabbitmq/consumer.ts';
import type { AmqpLink } from '../../connectors/rabbitmq/link.ts';
import { readContext, workChunk, type ChunkWorkOptions, type PinnedContext } from './chunk-work.ts';
import { decodeChunkMessage, queueName } from '../messages.ts';
import type { CacheUpdate } from '../warm/warm-writer.ts';

export interface WorkerOptions extends ChunkWorkOptions {
  readonly link: AmqpLink;
  /** Makes cached rows stale; absent where there is no Redis. */
  readonly bump: CacheUpdate | undefined;
  /** Told after each answer of the surroundings, for readiness. */
  observed?(failure: Failure | undefined): void;
}

/** Works until the signal aborts; then finishes the chunk in hand. Throws Faults only. */
export async function runWorker(options: WorkerOptions, signal: AbortSignal): Promise<void> {
  const { clock, telemetry } = options;
  let last: string | undefined;
  for (let failures = 0; !signal.aborted;) {
    try {
      const context = await readContext(options);
      options.observed?.(undefined);
      await consumeCurrentQueue(options, signal, async (delivery) => {
        const verdict = await handleDelivery(delivery, context, options);
        failures = 0;
        await rest(options, signal);
        return verdict;
      });
    } catch (error) {
      if (!(error instanceof Failure) || error.family === 'Fault') throw error;
      const isNotYet = notYetCodes.has(error.code);
      if (!isNotYet) failures += 1;
      const waitMs = isNotYet ? notYetWaitMs : waitFor(error, failures);
      noted(error, options);
      if (!isNotYet || error.code !== last) telemetry.waiting(error, waitMs);
      last = error.code;
      await clock.sleep(waitMs, signal);
    }
  }
}

function noted(failure: Failure, options: WorkerOptions): void {
  options.observed?.(failure);
  if (failure.code === 'TooManyConnections') options.pace?.refused();
}

/** Before the acknowledgement: the next delivery would wait in these hands while others are free. */
async function rest({ pace, clock, telemetry }: WorkerOptions, signal: AbortSignal): Promise<void> {
  const { share = 1, pauseMs = 0 } = pace ?? {};
  telemetry.paced(share, pauseMs);
  if (pauseMs > 0) await clock.sleep(pauseMs, signal);
}

/** What failed may say how long it will take. */
function waitFor(failure: Failure, failures: number): number {
  const asked = failure instanceof Transient ? failure.retryAfterMs : undefined;
  return asked ?? backoffMs(failures, defaultBackoff);
}

/** Nothing is wrong: the coordinator has not come so far, or the import is about to end. */
const notYetCodes: ReadonlySet<string> = new Set(['SchemaMissing', 'NotLoading', 'QueueMissing']);
/** One small query each time: a back-off would leave the first chunks lying for seconds. */
const notYetWaitMs = 250;

/** Rare enough to cost nothing, often enough that a replaced queue is left within seconds. */
const queueCheckMs = 2_000;

/**
 * Consumes until the signal aborts or the ledger names another queue: the coordinator has left this
 * one, and whatever it still delivers is announced again in the other.
 */
async function consumeCurrentQueue(
  { config, db, link, clock }: WorkerOptions,
  signal: AbortSignal,
  handle: (delivery: Delivery) => Promise<Verdict>,
): Promise<void> {
  const { uid } = config.import;
  const number = await readQueueNumber(db, uid);
  const ended = new AbortController();
  const either = AbortSignal.any([signal, ended.signal]);
  const watching = (async () => {
    while (!either.aborted) {
      await clock.sleep(queueCheckMs, either);
      // A ledger that is away is noticed, and waited for, with the next delivery.
      const now = await readQueueNumber(db, uid).catch(() => number);
      if (now !== number) ended.abort();
    }
  })();
  try {
    await consume(link, { queue: queueName(uid, number), signal: either, handle });
  } finally {
    ended.abort();
    await watching;
  }
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
  const outcome = await workChunk(decoded.message.chunk, context, options);
  if (outcome === 'Unknown') {
    telemetry.messageRefused('UnknownChunk');
    return 'DeadLetter';
  }
  // Also for a chunk that was done already: its worker may have died between commit and bump.
  if (outcome === 'Loaded' || outcome === 'Done') {
    await options.bump?.({ chunk: decoded.message.chunk, outcome });
  }
  return 'Ack';
}

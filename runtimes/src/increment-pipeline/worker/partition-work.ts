/**
 * One partition that this worker owns: read after the position, commit, trim, and wait for the next
 * time.
 *
 * After any failure the row is read again before anything else is done: a commit may have happened
 * without an answer, the owner may be another, the stream may have begun anew. What the row says is
 * then the truth; nothing about the position is remembered across a failure. While Postgres or Redis
 * is away it waits here with back-off, for as long as that takes.
 */
import type { IncrementPipelinePodConfig } from '@millrace/crds/increment-pipeline';
import type { Clock } from '@millrace/kit/clock';
import { backoffMs, defaultBackoff } from '@millrace/kit/retry';
import { Transient } from '@millrace/kit/transient';
import type { Database } from '../../connectors/postgres/database.ts';
import type { RedisCommands } from '../../connectors/redis/link.ts';
import { readPartition, type PartitionRow } from '../ledger/partitions.ts';
import type { Entry } from '../stream/entry.ts';
import { readEntries, trimTo } from '../stream/reader.ts';
import type { IncrementTelemetry } from '../telemetry.ts';
import { takeBatch, type Batch } from './batch.ts';
import { createEntryAges, readRedisTime, type EntryAges } from './entry-age.ts';
import { commitBatch, type Fence } from './flush.ts';
import type { Turns } from './turns.ts';
import type { Workload } from './workload.ts';

export type Backend = 'postgres' | 'redis';

export interface PartitionWorkOptions {
  readonly config: IncrementPipelinePodConfig;
  readonly db: Database;
  readonly link: RedisCommands;
  readonly clock: Clock;
  readonly telemetry: IncrementTelemetry;
  readonly turns: Turns;
  readonly workload: Workload;
  readonly leaseMs: number;
  /** Told of each failure of the surroundings, and of each success, for readiness. */
  observed?(backend: Backend, failure: Transient | undefined): void;
}

/** One read: one commit, or as many as it takes with few enough keys in each. */
const entriesMax = 10_000;
const bytesMax = 4 << 20;
/** A server that is away is left alone; more than a second of it would be staleness once it is back. */
export const awayBackoff = { ...defaultBackoff, maxMs: 1_000 };

export class PartitionWork {
  readonly partition: number;
  readonly epoch: bigint;
  readonly ages: EntryAges;
  readonly #options: PartitionWorkOptions;
  #incarnation: number;
  #lastId: string;
  /** Up to where the stream is trimmed; whoever had it before may not have got to it. */
  #trimmedId: string | undefined;
  #mustLook = false;

  constructor(row: PartitionRow, options: PartitionWorkOptions) {
    this.partition = row.partition;
    this.epoch = row.epoch;
    this.ages = createEntryAges(options.clock);
    this.#options = options;
    this.#incarnation = row.incarnation;
    this.#lastId = row.lastId;
  }

  /** What a look at the ledger found; a stream that began anew is noticed here also when idle. */
  seen(row: PartitionRow): void {
    if (row.incarnation !== this.#incarnation) this.#mustLook = true;
  }

  /** Works until the signal aborts, after the batch in hand, or until the partition is another's. */
  async run(signal: AbortSignal): Promise<'Stopped' | 'Lost'> {
    const { clock, config, turns, telemetry } = this.#options;
    for (let failures = 0; !signal.aborted;) {
      const startedMs = clock.monotonic();
      try {
        const step = await turns.take(() => this.#step(signal));
        if (step === 'Lost') return 'Lost';
        failures = 0;
        if (step === 'More') continue;
        const tookMs = clock.monotonic() - startedMs;
        await clock.sleep(Math.max(0, config.flush.intervalMs - tookMs), signal);
      } catch (error) {
        if (!(error instanceof Transient)) throw error;
        this.#mustLook = true;
        failures += 1;
        const waitMs = error.retryAfterMs ?? backoffMs(failures, awayBackoff);
        this.#observed(error.backend === 'redis' ? 'redis' : 'postgres', error);
        telemetry.waiting(error, waitMs);
        await clock.sleep(waitMs, signal);
      }
    }
    return 'Stopped';
  }

  async #step(signal: AbortSignal): Promise<'Idle' | 'More' | 'Lost'> {
    // The turn may have come after the wish to stop.
    if (signal.aborted) return 'Idle';
    if (this.#mustLook && !(await this.#look())) return 'Lost';
    const { config, link, clock, workload } = this.#options;
    const { uid } = config.resource;
    const place = { uid, partition: this.partition, incarnation: this.#incarnation };
    const [entries, time] = await Promise.all([
      readEntries(link, { ...place, after: this.#lastId, entriesMax, bytesMax }),
      readRedisTime(link, clock),
    ]);
    this.ages.saw(entries[0]?.id, time);
    this.#observed('redis', undefined);
    if (entries.length === 0) {
      await this.#trim();
      return 'Idle';
    }
    return await workload.busy(async () => {
      // One read may be many commits: read again for each, a backlog would keep Redis from appends.
      for (let rest = entries; !signal.aborted;) {
        const batch = takeBatch(rest, config.flush.maxKeys);
        if (batch === undefined) break;
        if (!(await this.#commit(batch))) return 'More';
        rest = rest.slice(batch.entries.length + batch.refused.length);
        this.ages.saw(rest[0]?.id, time);
      }
      await this.#trim();
      return isFullRead(entries) ? 'More' : 'Idle';
    });
  }

  /** False when somebody else wrote the row: what it says now is looked at before anything else. */
  async #commit(batch: Batch): Promise<boolean> {
    const { config, db, clock, telemetry, leaseMs, workload } = this.#options;
    const startedMs = clock.monotonic();
    const result = await commitBatch(db, {
      pipeline: config.resource.uid,
      table: config.target.table,
      fence: this.#fence(),
      batch,
      leaseMs,
      windowMs: config.idempotency?.windowMs ?? Number.POSITIVE_INFINITY,
    });
    if (result.outcome === 'Fenced') {
      this.#mustLook = true;
      return false;
    }
    this.#observed('postgres', undefined);
    const stalenessMs = this.ages.oldestMs();
    this.#lastId = batch.lastId;
    workload.committed(result.committed);
    const { partition } = this;
    const { committed, duplicates, keys, deadLetters } = result;
    const durationMs = clock.monotonic() - startedMs;
    telemetry.flushed({ partition, committed, duplicates, keys, durationMs, stalenessMs });
    for (const { reason, increments } of deadLetters) {
      telemetry.deadLettered({ partition, reason, increments });
    }
    return true;
  }

  #observed(backend: Backend, failure: Transient | undefined): void {
    this.#options.observed?.(backend, failure);
  }

  #fence(): Fence {
    return {
      partition: this.partition,
      incarnation: this.#incarnation,
      epoch: this.epoch,
      lastId: this.#lastId,
    };
  }

  /** False when the partition is another's. */
  async #look(): Promise<boolean> {
    const { db, config } = this.#options;
    const row = await readPartition(db, config.resource.uid, this.partition);
    if (row === undefined || row.epoch !== this.epoch) return false;
    this.#incarnation = row.incarnation;
    this.#lastId = row.lastId;
    this.#trimmedId = undefined;
    this.#mustLook = false;
    return true;
  }

  /** Readers of fresh counts read the streams before the sums, so nothing is kept for them. */
  async #trim(): Promise<void> {
    const { link, config } = this.#options;
    const id = this.#lastId;
    if (this.#trimmedId === id) return;
    const place = { partition: this.partition, incarnation: this.#incarnation };
    await trimTo(link, { uid: config.resource.uid, ...place, id });
    this.#trimmedId = id;
  }
}

function isFullRead(entries: readonly Entry[]): boolean {
  if (entries.length >= entriesMax) return true;
  return entries.reduce((bytes, { payload }) => bytes + payload.length, 0) >= bytesMax;
}

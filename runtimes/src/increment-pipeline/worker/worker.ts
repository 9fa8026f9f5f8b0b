/**
 * The worker: keeps its share of the partitions, and works on each of them.
 *
 * Twice a second it says that it lives, looks who else does, renews its leases, and takes or gives
 * back partitions. Losing sight of Postgres changes nothing about what it may commit: the epoch of a
 * partition decides that. When it is told to stop, it finishes the batches in hand and gives
 * everything back, so that others need not wait for its leases.
 */
import { Fault } from '@millrace/kit/fault';
import { backoffMs } from '@millrace/kit/retry';
import { Transient } from '@millrace/kit/transient';
import { beat, leave, livingMembers } from '../ledger/members.ts';
import {
  claimPartitions,
  readPartitions,
  releasePartition,
  renewLeases,
  type PartitionRow,
} from '../ledger/partitions.ts';
import { awayBackoff, PartitionWork, type PartitionWorkOptions } from './partition-work.ts';
import { shareOf, shareSteps } from './shares.ts';
import { createTurns } from './turns.ts';
import { createWorkload } from './workload.ts';

export interface WorkerOptions extends Omit<PartitionWorkOptions, 'turns' | 'workload'> {
  /** Its name among the members, different for every process. */
  readonly member: string;
  /** Most partitions that read and commit at a time. */
  readonly turnsMax: number;
  /** Told what it works on, after each look. */
  holds?(held: readonly PartitionWork[]): void;
}

/** A dead owner’s lease ends within three seconds and is found within half a second more. */
const lookEveryMs = 500;
/** Others are about to give back what it lacks: a worker that was added begins that much sooner. */
const lookAgainMs = 100;
/** What is not given back by then is held by a worker that is dead or has a long batch in hand. */
const looksAgainMax = 20;

/** Works until the signal aborts. Throws Faults only. */
export async function runWorker(options: WorkerOptions, signal: AbortSignal): Promise<void> {
  await using worker = new Worker(options);
  await worker.run(signal);
}

interface Held {
  readonly work: PartitionWork;
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

class Worker implements AsyncDisposable {
  readonly #options: WorkerOptions;
  readonly #workOptions: PartitionWorkOptions;
  readonly #held = new Map<number, Held>();
  /** Stopped, and still with their last batch in hand; nothing waits for them but the end. */
  readonly #leaving = new Map<number, Promise<void>>();
  /** A bug in one partition ends the process, not only that partition. */
  #failed: unknown;
  /** Looks one after the other that found it with less than its share. */
  #looksLacking = 0;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#workOptions = {
      ...options,
      turns: createTurns(options.turnsMax),
      workload: createWorkload(options.clock),
    };
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, telemetry } = this.#options;
    for (let failures = 0; !signal.aborted;) {
      const startedMs = clock.monotonic();
      try {
        await this.#look();
        failures = 0;
        this.#options.observed?.('postgres', undefined);
        const isLacking = this.#looksLacking > 0 && this.#looksLacking <= looksAgainMax;
        const everyMs = isLacking ? lookAgainMs : lookEveryMs;
        await clock.sleep(Math.max(0, everyMs - (clock.monotonic() - startedMs)), signal);
      } catch (error) {
        if (!(error instanceof Transient)) throw error;
        failures += 1;
        const waitMs = backoffMs(failures, awayBackoff);
        this.#options.observed?.('postgres', error);
        telemetry.waiting(error, waitMs);
        await clock.sleep(waitMs, signal);
      }
      if (this.#failed !== undefined)
        throw new Fault('a partition failed', { cause: this.#failed });
    }
  }

  /** Finishes the batches in hand and gives everything back, as far as Postgres is there. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { db, config, member, telemetry } = this.#options;
    for (const held of this.#held.values()) this.#release(held);
    await Promise.all(this.#leaving.values());
    // Leases that could not be given back end by themselves.
    await leave(db, { pipeline: config.resource.uid, member }).catch(() => undefined);
    telemetry.leasesHeld(0);
    telemetry.drained();
  }

  async #look(): Promise<void> {
    const { db, config, member, leaseMs, telemetry } = this.#options;
    const pipeline = config.resource.uid;
    const { committed, busyMs } = this.#workOptions.workload.figures();
    await beat(db, { pipeline, member, role: 'worker', committed, busyMs });
    await renewLeases(db, { pipeline, owner: member, leaseMs });
    const members = await livingMembers(db, pipeline);
    const rows = await readPartitions(db, pipeline);
    for (const row of rows) this.#held.get(row.partition)?.work.seen(row);
    const workers = members.filter(({ role }) => role === 'worker').map((other) => other.member);
    const steps = shareSteps({
      worker: member,
      workers,
      rows: rows.filter(({ partition }) => !this.#leaving.has(partition)),
      partitions: rows.length,
      held: new Map([...this.#held].map(([partition, { work }]) => [partition, work.epoch])),
    });
    for (const partition of steps.lost) this.#lose(partition);
    for (const partition of steps.release) {
      const held = this.#held.get(partition);
      if (held !== undefined) this.#release(held);
    }
    for (const row of steps.adopt) this.#take(row);
    for (const { partition, epoch } of steps.disown) {
      await releasePartition(db, { pipeline, partition, epoch });
    }
    if (steps.claim.length > 0) {
      const { claim: partitions } = steps;
      const taken = await claimPartitions(db, { pipeline, owner: member, partitions, leaseMs });
      for (const row of taken) this.#take(row);
    }
    const share = shareOf(member, workers, rows.length);
    this.#looksLacking = this.#held.size < share ? this.#looksLacking + 1 : 0;
    telemetry.leasesHeld(this.#held.size);
    this.#options.holds?.([...this.#held.values()].map(({ work }) => work));
  }

  #take(row: PartitionRow): void {
    const work = new PartitionWork(row, this.#workOptions);
    const stop = new AbortController();
    const ended = work.run(stop.signal).then(
      (outcome) => {
        // The ledger says so before the next look does.
        if (outcome === 'Lost') this.#forget(row.partition, work, 'Fenced');
      },
      (error: unknown) => {
        this.#failed = error;
      },
    );
    this.#held.set(row.partition, { work, stop, ended });
    this.#options.telemetry.leaseTaken(row.partition, row.epoch);
  }

  #forget(partition: number, work: PartitionWork, why: string): void {
    if (this.#held.get(partition)?.work !== work) return;
    this.#held.delete(partition);
    this.#options.telemetry.leaseLost(partition, why);
  }

  /** Its last batch, if there is one in hand, will find the epoch of another. */
  #lose(partition: number): void {
    const held = this.#held.get(partition);
    if (held === undefined) return;
    held.stop.abort();
    this.#forget(partition, held.work, 'Taken');
  }

  /** Not waited for here: signs of life must go on while the last batch is committed. */
  #release({ work, stop, ended }: Held): void {
    const { db, config } = this.#options;
    const { partition, epoch } = work;
    this.#held.delete(partition);
    stop.abort();
    const left = ended
      .then(() => releasePartition(db, { pipeline: config.resource.uid, partition, epoch }))
      // Found again by the next look, which gives it back or goes on with it.
      .catch(() => undefined)
      .finally(() => this.#leaving.delete(partition));
    this.#leaving.set(partition, left);
  }
}

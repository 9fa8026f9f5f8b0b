/**
 * Keys waiting for work: each at most once, each at most once in flight.
 *
 * States of a key: idle → queued → running → idle. A key added while it runs is queued again when the
 * run ends, never beside it; a key added while queued is the same entry. What a run returned or threw
 * decides when the key comes back by itself: after `requeueAfterMs`, or after a back-off that doubles
 * with each failure in a row, or when the budget that all keys share has room, if that is later. A
 * change always brings it back at once, and replaces such a wait.
 *
 * Two lanes: what a first list brings waits behind real changes, so that a restart over thousands of
 * resources does not delay the one somebody has just edited. Every waiting key gets its turn, since
 * changes to one key take one place however many they are.
 */
import type { Clock } from '@millrace/kit/clock';
import { backoffMs } from '@millrace/kit/retry';
import { Transient } from '@millrace/kit/transient';
import { KubeFailure } from './kube-failure.ts';
import type { TokenBucket } from './token-bucket.ts';

export type Lane = 'change' | 'initial';

export interface WorkResult {
  /** Comes back after this long even if nothing changes. */
  readonly requeueAfterMs?: number;
  /** Nothing was done yet: neither a success, which would end the back-off, nor counted as a pass. */
  readonly isPostponed?: boolean;
}

export interface QueueEvents {
  reconciled(event: {
    readonly key: string;
    readonly durationMs: number;
    readonly failure?: unknown;
    readonly retryInMs?: number;
  }): void;
  queueDepth(depth: number): void;
  /** A retry waits for longer than its own back-off, since too many keys fail at once. */
  retryHeldBack?(event: { readonly waitMs: number }): void;
}

export interface WorkQueueOptions {
  readonly clock: Clock;
  /** Keys in flight at most. */
  readonly concurrency: number;
  readonly work: (key: string) => Promise<WorkResult>;
  readonly events: QueueEvents;
  /** Shared by all queues of a process; without it, back-off alone decides. */
  readonly retries?: Pick<TokenBucket, 'takeMs'>;
  readonly random?: () => number;
}

/** Half a second spares a struggling dependency; five minutes still finds it back the same coffee break. */
const backoff = { baseMs: 500, maxMs: 5 * 60_000 };

export class WorkQueue {
  #options: WorkQueueOptions;
  /** Since when each key waits for its turn. */
  #lanes: Readonly<Record<Lane, Map<string, number>>> = { change: new Map(), initial: new Map() };
  #running = new Map<string, Promise<void>>();
  #again = new Map<string, Lane>();
  #delayed = new Map<string, AbortController>();
  #failures = new Map<string, number>();
  #startedAt: number | undefined;
  #stopped = false;
  #idleWaiters: (() => void)[] = [];

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** Keys that wait for their turn now; not those that wait for a time. */
  get depth(): number {
    return this.#lanes.change.size + this.#lanes.initial.size;
  }

  /** How long the key that waits longest has waited for its turn; a standby's keys wait for nothing. */
  get oldestMs(): number {
    const { change, initial } = this.#lanes;
    if (this.#startedAt === undefined || this.depth === 0) return 0;
    let oldest = Number.POSITIVE_INFINITY;
    for (const since of [...change.values(), ...initial.values()]) oldest = Math.min(oldest, since);
    return this.#options.clock.monotonic() - Math.max(oldest, this.#startedAt);
  }

  start(): void {
    this.#startedAt = this.#options.clock.monotonic();
    this.#pump();
  }

  add(key: string, lane: Lane = 'change'): void {
    if (this.#stopped) return;
    if (this.#running.has(key)) {
      if (this.#again.get(key) !== 'change') this.#again.set(key, lane);
      return;
    }
    this.#cancelDelay(key);
    const { change, initial } = this.#lanes;
    if (!change.has(key) && !(lane === 'initial' && initial.has(key))) {
      this.#lanes[lane].set(key, initial.get(key) ?? this.#options.clock.monotonic());
      if (lane === 'change') initial.delete(key);
    }
    this.#options.events.queueDepth(this.depth);
    this.#pump();
  }

  /** Forgets past failures: a new generation deserves a first try without their back-off. */
  resetBackoff(key: string): void {
    this.#failures.delete(key);
  }

  /** Resolves once nothing is queued or running; keys that wait for a time do not count. */
  async idle(): Promise<void> {
    if (this.depth === 0 && this.#running.size === 0) return;
    await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
  }

  /** Takes nothing more in, lets what runs finish, and resolves when it has. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const key of this.#delayed.keys()) this.#cancelDelay(key);
    this.#lanes.change.clear();
    this.#lanes.initial.clear();
    this.#again.clear();
    while (this.#running.size > 0) await Promise.all(this.#running.values());
    this.#tellIdle();
  }

  #pump(): void {
    while (
      this.#startedAt !== undefined &&
      !this.#stopped &&
      this.#running.size < this.#options.concurrency
    ) {
      const key = this.#next();
      if (key === undefined) return;
      this.#running.set(key, this.#run(key));
    }
  }

  #next(): string | undefined {
    for (const lane of [this.#lanes.change, this.#lanes.initial]) {
      for (const key of lane.keys()) {
        lane.delete(key);
        return key;
      }
    }
    return undefined;
  }

  async #run(key: string): Promise<void> {
    const { clock, events, work } = this.#options;
    const beganAt = clock.monotonic();
    // One turn of the loop later, so that `#running` holds the key before any of its work happens.
    await Promise.resolve();
    try {
      const { requeueAfterMs, isPostponed = false } = await work(key);
      if (!isPostponed) this.#failures.delete(key);
      this.#finish(key, requeueAfterMs);
      if (!isPostponed) events.reconciled({ key, durationMs: clock.monotonic() - beganAt });
    } catch (failure) {
      const retryInMs = this.#retryInMs(key, failure);
      this.#finish(key, retryInMs);
      events.reconciled({ key, durationMs: clock.monotonic() - beganAt, failure, retryInMs });
    }
    events.queueDepth(this.depth);
    this.#pump();
    this.#tellIdle();
  }

  #finish(key: string, delayMs: number | undefined): void {
    this.#running.delete(key);
    const lane = this.#again.get(key);
    this.#again.delete(key);
    if (lane !== undefined) this.add(key, lane);
    else if (delayMs !== undefined && !this.#stopped) this.#addLater(key, delayMs);
  }

  #retryInMs(key: string, failure: unknown): number {
    const ownMs = Math.max(this.#backOff(key), askedWaitMs(failure));
    const sharedMs = this.#options.retries?.takeMs() ?? 0;
    if (sharedMs <= ownMs) return ownMs;
    this.#options.events.retryHeldBack?.({ waitMs: sharedMs - ownMs });
    return sharedMs;
  }

  #backOff(key: string): number {
    const attempt = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, attempt);
    return backoffMs(attempt, backoff, (this.#options.random ?? Math.random)());
  }

  #addLater(key: string, delayMs: number): void {
    this.#cancelDelay(key);
    const cancel = new AbortController();
    this.#delayed.set(key, cancel);
    void this.#options.clock.sleep(delayMs, cancel.signal).then(() => {
      if (!cancel.signal.aborted) this.add(key);
    });
  }

  #cancelDelay(key: string): void {
    this.#delayed.get(key)?.abort();
    this.#delayed.delete(key);
  }

  #tellIdle(): void {
    if (this.depth > 0 || this.#running.size > 0) return;
    for (const resolve of this.#idleWaiters.splice(0)) resolve();
  }
}

/** What the failing side asked for, as a server does with Retry-After; 0 if it did not. */
function askedWaitMs(failure: unknown): number {
  const asksToWait = failure instanceof KubeFailure || failure instanceof Transient;
  return asksToWait ? (failure.retryAfterMs ?? 0) : 0;
}

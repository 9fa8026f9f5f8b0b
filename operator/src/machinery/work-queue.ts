/**
 * Keys waiting for work: each at most once, each at most once in flight.
 *
 * States of a key: idle → queued → running → idle. A key added while it runs is queued again when the
 * run ends, never beside it; a key added while queued is the same entry. What a run returned or threw
 * decides when the key comes back by itself: after `requeueAfterMs`, or after a back-off that doubles
 * with each failure in a row. A change always brings it back at once, and replaces such a wait.
 *
 * Two lanes: what a first list brings waits behind real changes, so that a restart over thousands of
 * resources does not delay the one somebody has just edited. Every waiting key gets its turn, since
 * changes to one key take one place however many they are.
 */
import type { Clock } from '@millrace/kit/clock';
import { backoffMs } from '@millrace/kit/retry';
import { Transient } from '@millrace/kit/transient';
import { KubeFailure } from './kube-failure.ts';

export type Lane = 'change' | 'initial';

export interface WorkResult {
  /** Comes back after this long even if nothing changes. */
  readonly requeueAfterMs?: number;
}

export interface QueueEvents {
  reconciled(event: {
    readonly key: string;
    readonly durationMs: number;
    readonly failure?: unknown;
    readonly retryInMs?: number;
  }): void;
  queueDepth(depth: number): void;
}

export interface WorkQueueOptions {
  readonly clock: Clock;
  /** Keys in flight at most. */
  readonly concurrency: number;
  readonly work: (key: string) => Promise<WorkResult>;
  readonly events: QueueEvents;
  readonly random?: () => number;
}

/** Half a second spares a struggling dependency; five minutes still finds it back the same coffee break. */
const backoff = { baseMs: 500, maxMs: 5 * 60_000 };

export class WorkQueue {
  #options: WorkQueueOptions;
  #lanes: Readonly<Record<Lane, Set<string>>> = { change: new Set(), initial: new Set() };
  #running = new Map<string, Promise<void>>();
  #again = new Map<string, Lane>();
  #delayed = new Map<string, AbortController>();
  #failures = new Map<string, number>();
  #started = false;
  #stopped = false;
  #idleWaiters: (() => void)[] = [];

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** Keys that wait for their turn now; not those that wait for a time. */
  get depth(): number {
    return this.#lanes.change.size + this.#lanes.initial.size;
  }

  start(): void {
    this.#started = true;
    this.#pump();
  }

  add(key: string, lane: Lane = 'change'): void {
    if (this.#stopped) return;
    if (this.#running.has(key)) {
      if (this.#again.get(key) !== 'change') this.#again.set(key, lane);
      return;
    }
    this.#cancelDelay(key);
    if (lane === 'change') this.#lanes.initial.delete(key);
    if (!this.#lanes.change.has(key)) this.#lanes[lane].add(key);
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
    while (this.#started && !this.#stopped && this.#running.size < this.#options.concurrency) {
      const key = this.#next();
      if (key === undefined) return;
      this.#running.set(key, this.#run(key));
    }
  }

  #next(): string | undefined {
    for (const lane of [this.#lanes.change, this.#lanes.initial]) {
      for (const key of lane) {
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
      const { requeueAfterMs } = await work(key);
      this.#failures.delete(key);
      this.#finish(key, requeueAfterMs);
      events.reconciled({ key, durationMs: clock.monotonic() - beganAt });
    } catch (failure) {
      const retryInMs = Math.max(this.#backOff(key), askedWaitMs(failure));
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
